import fc from 'fast-check';
import type { Finding } from '../../engine/finding.js';
import { findingId } from '../../engine/finding.js';
import type { Example } from '../../engine/operator.js';
import { makeSeries, seriesText, type Series } from '../../engine/series.js';
import { parseMessages, type Message } from './text.js';

/** What a random message is made of; small numbers, so that fast-check can shrink them. */
interface Draw {
  /** Which message of the example it is like. */
  readonly like: number;
  /** A further series like that one's. */
  readonly copy: number;
  /** Steps of time since the message before. */
  readonly advance: number;
  /** Steps behind the present time. */
  readonly back: number;
  /** Whose value it takes. */
  readonly value: number;
  readonly factor: number;
  readonly watermark: boolean;
}

const draw: fc.Arbitrary<Draw> = fc.record({
  like: fc.nat(1_000),
  copy: fc.nat(4),
  advance: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(5) }),
  back: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(6) }),
  value: fc.nat(1_000),
  factor: fc.constantFrom(1, 1, 1, 0, 0.5, 1.1, 3, -1),
  watermark: fc.boolean(),
});

/**
 * Random messages in the manner of an example: its series and further ones like them, its values, its
 * pace; rows out of order, and some behind the watermark.
 */
export function messagesLike(example: Example, length: number): fc.Arbitrary<readonly Message[]> {
  const templates = parseMessages(example.input).filter((message) => message.type !== 'watermark');
  return fc.array(draw, { minLength: 1, maxLength: length }).map((draws) => fromDraws(templates, draws));
}

type Template = Exclude<Message, { type: 'watermark' }>;

const timeOf = (message: Template): number => (message.type === 'row' ? message.row.time : message.finding.time);

/** The usual step of time in the example, ms. */
function paceOf(templates: readonly Template[]): number {
  const times = [...new Set(templates.map(timeOf))].sort((a, b) => a - b);
  const steps = times
    .slice(1)
    .map((time, i) => time - times[i]!)
    .sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 1_000;
}

function fromDraws(templates: readonly Template[], draws: readonly Draw[]): Message[] {
  const pace = paceOf(templates);
  const open = new Map<string, Finding>();
  const messages: Message[] = [];
  let now = Math.min(...templates.map(timeOf)) + 6 * pace;
  let watermark = -Infinity;
  for (const { like, copy, advance, back, value, factor, watermark: marks } of draws) {
    const template = templates[like % templates.length]!;
    const { port } = template;
    now += advance * pace;
    if (template.type === 'row') {
      const other = templates[value % templates.length]!;
      const row = {
        ...template.row,
        time: now - back * pace,
        series: another(template.row.series, copy),
        value: (other.type === 'row' ? other : template).row.value * factor,
      };
      messages.push({ type: 'row', port, row });
    } else messages.push({ type: 'finding', port, finding: next(template.finding, copy, Math.max(now, watermark), open) });
    if (marks && now - pace > watermark) {
      watermark = now - pace;
      messages.push({ type: 'watermark', time: watermark });
    }
  }
  return messages;
}

/** The series itself, or one with a further value of its first label; without labels it stays. */
function another(series: Series, copy: number): Series {
  const [first] = Object.keys(series.labels);
  if (first === undefined || copy === 0) return series;
  return makeSeries(series.name, { ...series.labels, [first]: `${series.labels[first]}-${copy}` });
}

/** The next revision of the finding about a series, or its first. */
function next(template: Finding, copy: number, now: number, open: Map<string, Finding>): Finding {
  const series = another(makeSeries(template.metric, template.labels), copy);
  const text = seriesText(series.name, series.labels);
  const key = `${template.operator} ${template.kind} ${text}`;
  const before = open.get(key);
  const state = before === undefined ? 'opened' : template.state === 'opened' ? 'grew' : template.state;
  const openedAt = before?.openedAt ?? now;
  const finding: Finding = {
    ...template,
    id: findingId(template.operator, template.kind, text, openedAt),
    revision: (before?.revision ?? 0) + 1,
    state,
    series: text,
    metric: series.name,
    labels: series.labels,
    openedAt,
    time: now,
  };
  if (state === 'closed') open.delete(key);
  else open.set(key, finding);
  return finding;
}
