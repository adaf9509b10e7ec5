import { FrameEncoder, type Rows } from '../../publish/frame.js';
import { PublishedSeries } from '../../publish/series.js';
import { DISORDER_MS, T0, type Sample } from '../samples.js';

/** How samples lie in messages. */
export type Form = 'frames' | 'frames-20k' | 'lines' | 'lines-20k' | 'arrays' | 'objects';

/** Samples of a message: as a publisher that batches would send, about 20 KB, or one. */
const ROWS: Readonly<Record<Form, number>> = { frames: 8_192, 'frames-20k': 1_650, lines: 300, 'lines-20k': 133, arrays: 180, objects: 1 };

/** Publishers that live for hours spell a series once in many frames. */
const FRAMES_PER_DICTIONARY = 256;

/** Of the last message: so much later than all others that every window closes. */
const END_MS = 3_600_000;

export const seriesName = 'cpu_usage';
/** Of the series of the last message, which is no sample of the workload. */
export const endName = 'end';
const host = (series: number): string => `host-${String(series).padStart(6, '0')}`;

/** Of each host; an agent sends one after the other. */
const CORES = 8;
const REGIONS = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-southeast-2'] as const;
const SERVICES = ['checkout', 'catalogue', 'payments', 'search', 'gateway'] as const;

/** A core's line up to its value, as an agent such as Telegraf writes it: tags in order, the global ones too. */
function agentsHead(series: number): string {
  const number = Math.floor(series / CORES);
  const region = REGIONS[number % REGIONS.length]!;
  return `cpu,cpu=cpu${series % CORES},env=production,host=${host(number)},instance=i-${(Math.imul(number + 1, 2654435761) >>> 0).toString(16).padStart(8, '0')},region=${region},service=${SERVICES[number % SERVICES.length]!},zone=${region}${'abc'[number % 3]!} usage_user=`;
}

/** The samples of W1 as the messages of a publisher, in their order, `rows` in each; after them one that moves event time on. `alone`: frames that need no other. */
export function* messages(form: Form, samples: number, series: number, { rows = ROWS[form], alone = false } = {}): Generator<Uint8Array> {
  const encode = encoderOf(form, series, alone ? 1 : FRAMES_PER_DICTIONARY);
  for (let from = 0; from < samples; from += rows) yield encode(batch(from, Math.min(samples, from + rows), series));
  yield encode([{ series, time: T0 + Math.ceil(samples / series) * 1000 + DISORDER_MS + END_MS, value: 0 }]);
}

function batch(from: number, to: number, series: number): Sample[] {
  return Array.from({ length: to - from }, (_, k) => {
    const i = from + k;
    const h = Math.imul(i, 2654435761) >>> 0;
    const late = h % 20 === 0 ? 1000 * (1 + ((i >>> 3) % 5)) : 0;
    return { series: i % series, time: T0 + Math.floor(i / series) * 1000 - late, value: (h % 1000) / 10 };
  });
}

/** Of series number `series` and above the name is `endName`. */
function encoderOf(form: Form, series: number, framesPerDictionary: number): (rows: readonly Sample[]) => Uint8Array {
  switch (form) {
    case 'frames':
    case 'frames-20k':
      return frames(series, framesPerDictionary);
    case 'lines':
      return (rows) => Buffer.from(rows.map((row) => `${row.series < series ? `${seriesName},host=${host(row.series)}` : endName} value=${row.value} ${row.time}000000`).join('\n'));
    case 'lines-20k': {
      const heads = Array.from({ length: series }, (_, s) => agentsHead(s));
      heads.push(`${endName} value=`);
      return (rows) => Buffer.from(rows.map((row) => `${heads[row.series]!}${row.value} ${row.time}000000`).join('\n'));
    }
    case 'arrays':
      return (rows) => Buffer.from(JSON.stringify(rows.map((row) => object(row, series))));
    case 'objects':
      return (rows) => Buffer.from(JSON.stringify(object(rows[0]!, series)));
    default:
      return form satisfies never;
  }
}

const object = (row: Sample, series: number): object => ({
  metric_name: row.series < series ? seriesName : endName,
  value: row.value,
  timestamp: new Date(row.time).toISOString(),
  labels: row.series < series ? { host: host(row.series) } : {},
});

function frames(series: number, framesPerDictionary: number): (rows: readonly Sample[]) => Uint8Array {
  const unused = { row: () => false };
  const published = Array.from({ length: series }, (_, s) => new PublishedSeries(seriesName, { host: host(s) }, unused));
  published.push(new PublishedSeries(endName, {}, unused));
  const encoder = new FrameEncoder(new Uint8Array(8).fill(7), framesPerDictionary, 2 ** 20);
  return (rows) => {
    const columns: Rows = { length: rows.length, time: Float64Array.from(rows, (row) => row.time), value: Float64Array.from(rows, (row) => row.value), flags: new Uint8Array(rows.length), series: rows.map((row) => published[row.series]!) };
    return encoder.encode(columns).bytes;
  };
}
