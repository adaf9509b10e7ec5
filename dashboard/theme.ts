import { computed, effect, signal } from '@preact/signals';

export type Theme = 'light' | 'dark';

const KEY = 'millrace.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = signal<Theme>(system.matches ? 'dark' : 'light');
system.addEventListener('change', () => (systemTheme.value = system.matches ? 'dark' : 'light'));

/** What a person chose here; undefined: as the system has it. `public/theme.js` reads it before the first paint. */
const chosen = signal<Theme | undefined>(remembered());

export const theme = computed<Theme>(() => chosen.value ?? systemTheme.value);

export function toggleTheme(): void {
  const next: Theme = theme.peek() === 'dark' ? 'light' : 'dark';
  // Who is back at the system's theme follows the system again.
  chosen.value = next === systemTheme.peek() ? undefined : next;
}

effect(() => {
  const value = chosen.value;
  document.documentElement.dataset['theme'] = theme.value;
  try {
    if (value === undefined) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // Without storage it is forgotten with the page.
  }
});

function remembered(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    return undefined;
  }
}
