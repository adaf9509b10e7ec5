import { now } from '../clock.js';
import { formatAgo, formatMoment } from '../format/time.js';

/** `4 min ago`, kept current; its exact time on hover. */
export function Since({ time }: { readonly time: number }) {
  return (
    <time dateTime={new Date(time).toISOString()} title={new Date(time).toLocaleString()}>
      {formatMoment(time, now.value)} ({formatAgo(time, now.value)})
    </time>
  );
}
