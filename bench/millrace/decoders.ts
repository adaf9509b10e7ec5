import { PostDecoder } from '../../connectors/http/post-decoder.js';
import type { NewPost } from '../../connectors/http/post.js';
import { systemClock } from '../../engine/clock.js';
import type { Job, Told } from '../peers/job.js';
import type { PostedForm } from '../posts/bodies.js';
import { timedReading } from '../posts/reading.js';

const kinds = { lines: 'influx', arrays: 'json', objects: 'json', frames: 'frame' } as const satisfies Partial<Record<PostedForm, NewPost['form']>>;

/** Bodies to columns, as the http source does it before its log. */
export function decode(form: PostedForm, job: Job): Told {
  const decoder = new PostDecoder();
  const kind = kinds[form as keyof typeof kinds];
  const at = systemClock.now();
  return timedReading(form, job, (body, take) => {
    const add = (time: number, series: string, value: number): boolean => {
      take(series, time, value);
      return true;
    };
    decoder.decode({ form: kind, precision: 'ns', at, body }).rows.addTo({ add });
  });
}
