import { z } from 'zod';
import { duration } from '../../engine/scalars.js';
import { timeFormat, timeFormatHelp } from './time.js';

const name = z.string().min(1);

export const fileSourceConfig = z.strictObject({
  path: z
    .union([name, z.array(name).min(1)])
    .describe('file, or pattern with `*`, `?` and `**` (any folders), or a list of them; relative to the config file. gzip is read too'),
  format: z.enum(['auto', 'csv', 'ndjson']).default('auto').describe('`auto`: NDJSON for .ndjson, .jsonl and .json, else CSV'),
  delimiter: z
    .string()
    .regex(/^[\x09\x20-\x7e]$/, 'must be one ASCII character')
    .optional()
    .describe('between the fields of CSV; default a comma, for .tsv a tab'),
  columns: z.array(name).min(1).optional().describe('names of the columns of CSV files without a header'),
  time: name.default('time').describe('column of the time'),
  time_format: z
    .string()
    .default('auto')
    .refine((text) => timeFormat(text) !== undefined, { error: (issue) => `${JSON.stringify(issue.input)} is no time format: auto, iso, s, ms, us, ns or a pattern such as DD/MM/YYYY HH:mm` })
    .describe(timeFormatHelp),
  value: z
    .union([name, z.array(name).min(1), z.record(name, name)])
    .default('value')
    .describe('column of the value; a list: each column is a metric of its name (after `metric` and `_` where that is set); a map of column to metric name'),
  metric: z
    .union([name, z.strictObject({ column: name.describe('column that holds the metric name') })])
    .optional()
    .describe('metric name, or `{ column: NAME }`; default: the column `metric` where there is one, else the name of the value column'),
  labels: z
    .union([z.array(name), z.record(name, name)])
    .optional()
    .describe('columns that become labels, or a map of label to column; default: the column `labels`, a JSON object, where there is one'),
  file_label: z.string().default('file').describe('label that gets the base name of the file, unless the row has it; empty: none'),
  disorder: duration().default(0).describe('how much out of order rows may be; later ones are late'),
  follow: z.boolean().default(false).describe('go on with lines that are appended, with the file that takes its place when it is rotated, and with new files of the pattern'),
  poll: duration({ min: '10ms' }).default(250).describe('with `follow`: how often to look'),
});
export type FileSourceConfig = z.output<typeof fileSourceConfig>;

export const fileSinkConfig = z.strictObject({
  path: name.describe('file to write, relative to the config file; .gz compresses'),
  format: z.enum(['auto', 'csv', 'ndjson']).default('auto').describe('`auto`: CSV for .csv, else NDJSON'),
  findings: name.optional().describe('NDJSON file for the findings; default: among the rows of NDJSON, `PATH.findings.ndjson` for CSV'),
  append: z.boolean().default(false).describe('a new run writes after what is there instead of in its place'),
});
export type FileSinkConfig = z.output<typeof fileSinkConfig>;
