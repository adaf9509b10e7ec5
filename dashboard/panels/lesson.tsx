import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

/** Shown where there is nothing yet: what would be here, and the command that brings it. */
export function Lesson({ children, command }: { readonly children: ComponentChildren; readonly command?: string }) {
  const said = useSignal('Copy');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command!);
      said.value = 'Copied';
    } catch {
      // Without TLS a browser may refuse.
      said.value = 'Select and copy';
    }
    setTimeout(() => (said.value = 'Copy'), 2_000);
  };
  return (
    <div class="lesson">
      <p>{children}</p>
      {command !== undefined && (
        <div class="command">
          <pre tabIndex={0}>
            <code>{command}</code>
          </pre>
          <button type="button" onClick={() => void copy()}>
            {said}
          </button>
        </div>
      )}
    </div>
  );
}
