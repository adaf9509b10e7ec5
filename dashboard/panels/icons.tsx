import type { JSX } from 'preact';

const shapes = {
  calm: <path d="M4.5 12.500l5 5 10-11" />,
  notable: <path d="M12 4.500L21 19.500H3zM12 10.500v4M12 17v.1" />,
  serious: <path d="M8.3 3.500h7.400l4.8 4.800v7.400l-4.8 4.800H8.300l-4.8-4.800V8.300zM12 7.500v5.500M12 16.200v.1" />,
  unknown: <path d="M5 12h.1M12 12h.1M19 12h.1" />,
  sun: <path d="M12 8a4 4 0 100 8 4 4 0 000-8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4" />,
  moon: <path d="M20 14.500A8.5 8.5 0 119.5 4a7 7 0 0010.5 10.500z" />,
  pause: <path d="M9 6v12M15 6v12" />,
} satisfies Record<string, JSX.Element>;

/** A drawn sign that stands beside its words and is not read out. */
export function Icon({ name }: { readonly name: keyof typeof shapes }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M5 11c3.7-3.4 7.3-3.4 11 0s7.3 3.4 11 0" />
      <path d="M5 17.5c3.7-3.4 7.3-3.4 11 0s7.3 3.4 11 0" opacity=".75" />
      <path d="M5 24c3.7-3.4 7.3-3.4 11 0s7.3 3.4 11 0" opacity=".45" />
    </svg>
  );
}
