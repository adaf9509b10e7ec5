import { z } from 'zod';
import { duration } from '../../engine/scalars.js';
import { aggregateNames, quantileOf } from './aggregates.js';

/** Panes of a window, and slides of its lateness: an hour by the second. */
const MAX_PANES = 3_600;
const MAX_ROWS = 1_000_000;
/** Longest session, unless it is given. */
const MAX_SESSION_MS = 86_400_000;

const aggregate = z.string().refine((name) => (aggregateNames as readonly string[]).includes(name) || quantileOf(name) !== undefined, {
  error: ({ input }) => `${String(input)} is none of ${aggregateNames.join(', ')} or a quantile such as p50, p99 or p99.9`,
});

/** What each sort of window is made by, and what goes with it. */
const sorts = {
  size: { what: 'windows of time', with: 'slide' },
  gap: { what: 'sessions', with: 'max' },
  rows: { what: 'windows of rows', with: 'every' },
} as const;
type Sort = keyof typeof sorts;
const sortNames = Object.keys(sorts) as Sort[];

export const config = z
  .strictObject({
    size: duration({ min: '100ms' }).optional().describe('Windows of time: length of a window.'),
    slide: duration({ min: '100ms' }).optional().describe('A window of time begins at every multiple of this; must divide `size`. Default: `size`, so that windows follow each other without overlap.'),
    gap: duration({ min: '100ms' }).optional().describe('Sessions: the silence that ends one. Rows of a session are less than this apart.'),
    max: duration().optional().describe('Longest session, at least twice `gap`; one that lasts longer is cut. Default: `1d`, or twice `gap` where that is longer.'),
    rows: z.number().int().min(1).max(MAX_ROWS).optional().describe('Windows of rows: how many rows a window has.'),
    every: z.number().int().min(1).max(MAX_ROWS).optional().describe('A window of rows ends with every so many rows; must divide `rows`. Default: `rows`, so that windows follow each other without overlap.'),
    lateness: duration().prefault('0s').describe('How long after its end (by the watermark) a window waits for rows that are out of order.'),
    aggregates: z
      .array(aggregate)
      .min(1)
      .default(['mean', 'count', 'stddev'])
      .describe('What to compute: `count`, `sum`, `mean`, `stddev`, `variance`, `min`, `max`, `first`, `last`, `increase`, `rate`, or quantiles such as `p50`, `p99` or `p99.9`. The first becomes the value.'),
  })
  .superRefine((settings, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    const { lateness, aggregates } = settings;
    const repeated = aggregates.find((name, i) => aggregates.indexOf(name) < i);
    if (repeated !== undefined) refuse('aggregates', `${repeated} is there twice`);

    const given = sortNames.filter((sort) => settings[sort] !== undefined);
    const [sort, other] = given;
    if (sort === undefined) {
      const odd = sortNames.find((of) => settings[sorts[of].with] !== undefined);
      if (odd !== undefined) refuse(sorts[odd].with, `must go with \`${odd}\` (${sorts[odd].what}), which is missing`);
      // One that is misspelt is told as that.
      else if (!context.issues.some(({ code }) => code === 'unrecognized_keys')) refuse('size', `is missing: a window needs ${sortNames.map((of) => `\`${of}\` (${sorts[of].what})`).join(', or ')}`);
      return;
    }
    if (other !== undefined) {
      refuse(other, `can't go with \`${sort}\`: \`${sort}\` makes ${sorts[sort].what}, \`${other}\` ${sorts[other].what}; leave one out, or write two operators`);
      return;
    }
    for (const of of sortNames) {
      if (of !== sort && settings[sorts[of].with] !== undefined) refuse(sorts[of].with, `must go with \`${of}\` (${sorts[of].what}); with \`${sort}\` there is \`${sorts[sort].with}\``);
    }

    const { size, gap, rows } = settings;
    if (size !== undefined) {
      const { slide = size } = settings;
      if (!Number.isInteger(size)) refuse('size', 'must be whole milliseconds');
      if (!Number.isInteger(slide) || size % slide !== 0) refuse('slide', 'must divide the size of the window');
      if (size / slide > MAX_PANES) refuse('slide', `a window can't be more than ${MAX_PANES} times as long as its slide`);
      if (lateness / slide > MAX_PANES) refuse('lateness', `can't be more than ${MAX_PANES} times as long as the slide`);
    } else if (gap !== undefined) {
      if (settings.max !== undefined && settings.max < 2 * gap) refuse('max', 'must be at least twice the gap');
    } else if (rows !== undefined) {
      const { every = rows } = settings;
      if (rows % every !== 0) refuse('every', 'must divide the rows of the window');
      if (rows / every > MAX_PANES) refuse('every', `a window can't have more than ${MAX_PANES} times as many rows`);
    }
  })
  // For editors; who starts Millrace gets the words above.
  .meta({ oneOf: sortNames.map((sort) => ({ required: [sort] })) });

export type Config = z.output<typeof config>;

/** What a config asks for, with its defaults. */
export type Shape =
  | { readonly sort: 'time'; readonly size: number; readonly slide: number }
  | { readonly sort: 'sessions'; readonly gap: number; readonly max: number }
  | { readonly sort: 'rows'; readonly rows: number; readonly every: number };

export function shapeOf({ size, slide, gap, max, rows, every }: Config): Shape {
  if (size !== undefined) return { sort: 'time', size, slide: slide ?? size };
  if (gap !== undefined) return { sort: 'sessions', gap, max: max ?? Math.max(MAX_SESSION_MS, 2 * gap) };
  if (rows !== undefined) return { sort: 'rows', rows, every: every ?? rows };
  throw new Error('a window without size, gap and rows');
}
