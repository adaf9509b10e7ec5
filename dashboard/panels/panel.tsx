import type { ComponentChildren } from 'preact';

export interface PanelProps {
  readonly id: string;
  readonly title: string;
  /** How many there are, beside the title. */
  readonly count?: number | undefined;
  readonly children: ComponentChildren;
}

/** A part of the page with its own heading. */
export function Panel({ id, title, count, children }: PanelProps) {
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>
        {title}
        {count !== undefined && count > 0 && <span class="count">{count}</span>}
      </h2>
      {children}
    </section>
  );
}
