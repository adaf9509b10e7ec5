import { signal } from '@preact/signals';

let skew = 0;

/** The server's clock, ms since the epoch: the page's own may be wrong. */
export function serverNow(): number {
  return Date.now() + skew;
}

export function setServerTime(time: number): void {
  skew = time - Date.now();
  now.value = serverNow();
}

/** The server's clock, once a second, for what is shown as "4 min ago". */
export const now = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    now.value = serverNow();
  }, 1_000);
}
