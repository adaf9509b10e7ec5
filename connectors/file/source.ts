import { defineSource } from '../../engine/connector.js';
import { fileSourceConfig, type FileSourceConfig } from './config.js';
import { MergedFiles } from './merged-files.js';

export const fileSource = defineSource<FileSourceConfig>({
  name: 'file',
  summary: 'Reads CSV and NDJSON files, gzip too, at once or as they grow.',
  description: `Reads every row of the files that \`path\` names. Several files are merged by time: the next row is that of the file
whose next row has the lowest time, of equal ones that of the file whose name is first. Each series gets the label \`file\`.

A row of CSV holds a time, values and labels in columns that you choose by their name in the header. A row of NDJSON is an object such as
\`{"time":"2024-01-15T10:30:00Z","metric":"cpu_usage","labels":{"host":"a"},"value":75.5}\`; further fields are ignored.
An empty cell, \`NaN\` and \`null\` are no sample.

A line that can't be read is a dead letter with its file and line, and the lines after it are read on. A file or a column that is missing
at the start is an error. A gzip file that breaks off is read as far as it goes.

It is replayable: its position is the byte and line of every file (of the decompressed bytes for gzip), and each file is known
again by its first kilobyte. With \`follow\` it is live: the rest of a file that was rotated is read before the new one,
also when the rotation happened while nothing ran, if the old file lies in the same folder. gzip files are not followed: move them to their place when they are whole.`,
  config: fileSourceConfig,
  examples: [
    { title: 'Every CSV file below a folder, as one metric', yaml: "sources:\n  nab: { type: file, path: 'data/**/*.csv', time: timestamp, value: value, metric: nab }" },
    { title: 'Several value columns, labels from others', yaml: 'sources:\n  hosts: { type: file, path: hosts.csv, time: at, time_format: s, value: [cpu, memory], metric: host, labels: { host: hostname } }' },
    { title: 'A log of samples that grows and is rotated', yaml: 'sources:\n  app: { type: file, path: /var/log/app/metrics.ndjson, follow: true, disorder: 2s }' },
  ],
  live: (config) => config.follow,
  disorder: (config) => config.disorder,
  create: (config, context) => new MergedFiles(config, context),
});
