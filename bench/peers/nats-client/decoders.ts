import type { Form } from '../../nats/messages.js';

/** Takes a sample: the series by the text that names it in its message. */
export type Take = (series: string, time: number, value: number) => void;

interface JsonSample {
  readonly metric_name: string;
  readonly value: number;
  readonly timestamp: string;
  readonly labels: Readonly<Record<string, string>>;
}

const textDecoder = new TextDecoder();

/** What one would write for messages of one's own: nothing is checked. */
export const decoders: Readonly<Record<Exclude<Form, 'frames' | 'frames-20k'>, (payload: Uint8Array, take: Take) => void>> = {
  'lines-20k': takeLines,
  objects: (payload, take) => takeJson(JSON.parse(textDecoder.decode(payload)) as JsonSample, take),
  arrays: (payload, take) => {
    for (const sample of JSON.parse(textDecoder.decode(payload)) as JsonSample[]) takeJson(sample, take);
  },
  lines: takeLines,
};

function takeLines(payload: Uint8Array, take: Take): void {
  for (const line of textDecoder.decode(payload).split('\n')) {
    const [series, fields, time] = line.split(' ') as [string, string, string];
    take(series, Number(time) / 1e6, Number(fields.slice(fields.indexOf('=') + 1)));
  }
}

function takeJson({ metric_name, value, timestamp, labels }: JsonSample, take: Take): void {
  take(labels['host'] === undefined ? metric_name : `${metric_name},${labels['host']}`, Date.parse(timestamp), value);
}
