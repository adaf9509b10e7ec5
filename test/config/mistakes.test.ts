import t from 'tap';
import { formatDiagnostic } from '../../config/diagnostic.js';
import { readConfigText } from '../../config/load.js';
import { operators } from '../../operators/list.js';

const types = operators.map(({ name }) => name).sort();

/** What is told of a config, as text; an empty one where nothing is wrong. */
function told(text: string, env: Readonly<Record<string, string>> = {}): string {
  return readConfigText('mine.yml', text, env)
    .diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))
    .join('\n\n');
}

const lines = (...text: readonly string[]): string => text.join('\n');

/** A graph without mistakes, with one part of it replaced. */
const GOOD = lines(
  'sources:',
  "  nab: { type: file, path: 'data/*.csv', time: timestamp }",
  'operators:',
  '  odd: { type: detect, from: nab, sensitivity: 3.5 }',
  'sinks:',
  '  out: { type: file, from: odd, path: out.ndjson }',
  '',
);
function but(part: string, instead: string): string {
  if (!GOOD.includes(part)) throw new Error(`${part} is not in the config`);
  return GOOD.replace(part, instead);
}

t.equal(told(GOOD), '', 'the graph that the cases change is right');

const cases: readonly (readonly [what: string, config: string, told: string])[] = [
  [
    'a setting misspelt',
    but('sensitivity', 'sensitivty'),
    lines(
      'mine.yml:4:35: error: detect has no setting `sensitivty`',
      '    4 |   odd: { type: detect, from: nab, sensitivty: 3.5 }',
      '      |                                   ^^^^^^^^^^ did you mean sensitivity?',
    ),
  ],
  [
    'a type misspelt',
    but('type: detect', 'type: detcet'),
    lines(
      'mine.yml:4:16: error: there is no operator of type detcet',
      '    4 |   odd: { type: detcet, from: nab, sensitivity: 3.5 }',
      '      |                ^^^^^^ did you mean detect?',
    ),
  ],
  [
    'a node misspelt',
    but('from: nab', 'from: nba'),
    lines(
      'mine.yml:4:30: error: there is no node nba',
      '    4 |   odd: { type: detect, from: nba, sensitivity: 3.5 }',
      '      |                              ^^^ did you mean nab?',
    ),
  ],
  [
    'a section misspelt',
    but('operators:', 'operator:'),
    lines(
      'mine.yml:3:1: error: a config has no setting `operator`',
      '    3 | operator:',
      '      | ^^^^^^^^ did you mean operators?',
    ),
  ],
  [
    'a text where a number belongs',
    but('3.5', 'high'),
    lines(
      'mine.yml:4:48: error: `sensitivity` must be a number, not the text "high"',
      '    4 |   odd: { type: detect, from: nab, sensitivity: high }',
      '      |                                                ^^^^',
    ),
  ],
  [
    'a number that is too small',
    but('3.5', '0.5'),
    lines(
      'mine.yml:4:48: error: `sensitivity` must be at least 1, not 0.5',
      '    4 |   odd: { type: detect, from: nab, sensitivity: 0.5 }',
      '      |                                                ^^^',
    ),
  ],
  [
    'a word that is none of those known',
    but('sensitivity: 3.5', 'direction: upp'),
    lines(
      'mine.yml:4:46: error: `direction` must be both, up or down, not the text "upp"',
      '    4 |   odd: { type: detect, from: nab, direction: upp }',
      '      |                                              ^^^ did you mean up?',
    ),
  ],
  [
    'a setting that is needed',
    but(', path: out.ndjson', ''),
    lines(
      'mine.yml:6:3: error: file needs `path`: file to write, relative to the config file',
      '    6 |   out: { type: file, from: odd }',
      '      |   ^^^',
    ),
  ],
  [
    'no type',
    but('type: detect, ', ''),
    lines(
      `mine.yml:4:3: error: odd needs \`type\`: ${types.slice(0, -1).join(', ')} or ${types.at(-1)}`,
      '    4 |   odd: { from: nab, sensitivity: 3.5 }',
      '      |   ^^^',
    ),
  ],
  [
    'a key misspelt that is needed',
    but('path: out.ndjson', 'paht: out.ndjson').replace('type: detect, from:', 'tpye: detect, form:'),
    lines(
      'mine.yml:4:10: error: a node has no setting `tpye`',
      '    4 |   odd: { tpye: detect, form: nab, sensitivity: 3.5 }',
      '      |          ^^^^ did you mean type?',
      '',
      'mine.yml:4:24: error: a node has no setting `form`',
      '    4 |   odd: { tpye: detect, form: nab, sensitivity: 3.5 }',
      '      |                        ^^^^ did you mean from?',
      '',
      'mine.yml:6:33: error: file has no setting `paht`',
      '    6 |   out: { type: file, from: odd, paht: out.ndjson }',
      '      |                                 ^^^^ did you mean path?',
    ),
  ],
  [
    'nothing to read from',
    but('from: nab, ', ''),
    lines(
      'mine.yml:2:3: error: nobody reads nab: name it in the `from` of an operator or a sink',
      "    2 |   nab: { type: file, path: 'data/*.csv', time: timestamp }",
      '      |   ^^^',
      '',
      'mine.yml:4:3: error: odd reads nothing: it needs `from`',
      '    4 |   odd: { type: detect, sensitivity: 3.5 }',
      '      |   ^^^',
    ),
  ],
  [
    'a node that nobody reads',
    but('from: odd', 'from: nab'),
    lines(
      'mine.yml:4:3: error: nobody reads odd: name it in the `from` of an operator or a sink',
      '    4 |   odd: { type: detect, from: nab, sensitivity: 3.5 }',
      '      |   ^^^',
    ),
  ],
  [
    'a circle',
    but('from: nab', 'from: [nab, odd]'),
    lines(
      'mine.yml:4:36: error: the graph has a cycle: odd -> odd',
      '    4 |   odd: { type: detect, from: [nab, odd], sensitivity: 3.5 }',
      '      |                                    ^^^',
    ),
  ],
  [
    'a duration without a unit',
    but('time: timestamp', 'poll: 10'),
    lines(
      'mine.yml:2:48: error: `poll`: 10 is not a duration: write a number with a unit, such as 10s, 5m, 1h30m or 30d',
      "    2 |   nab: { type: file, path: 'data/*.csv', poll: 10 }",
      '      |                                                ^^',
    ),
  ],
  [
    'a list where a duration belongs',
    but('time: timestamp', 'poll: [10s]'),
    lines(
      'mine.yml:2:48: error: `poll` must be text such as 10s or 5m, not a list',
      "    2 |   nab: { type: file, path: 'data/*.csv', poll: [10s] }",
      '      |                                                ^^^^^',
    ),
  ],
  [
    'a selector with a mistake inside',
    but('type: detect, from: nab, sensitivity: 3.5', "type: select, from: nab, where: 'cpu{mode=idle}'"),
    lines(
      'mine.yml:4:52: error: `where`: selector cpu{mode=idle}: at offset 9: expected a value in quotes, found "idle}"',
      "    4 |   odd: { type: select, from: nab, where: 'cpu{mode=idle}' }",
      '      |                                                    ^^^^^',
    ),
  ],
  [
    'a setting of another type',
    but('sensitivity: 3.5', 'aggregates: [mean]'),
    lines(
      'mine.yml:4:35: error: detect has no setting `aggregates`',
      '    4 |   odd: { type: detect, from: nab, aggregates: [mean] }',
      '      |                                   ^^^^^^^^^^ it is a setting of window',
    ),
  ],
  [
    'an operator among the sources',
    but('type: file, path: \'data/*.csv\', time: timestamp', 'type: detect'),
    lines(
      'mine.yml:2:16: error: there is no source of type detect',
      '    2 |   nab: { type: detect }',
      '      |                ^^^^^^ detect is an operator: move nab to `operators`',
    ),
  ],
  [
    'a setting of the server at the top',
    `port: 8080\n${GOOD}`,
    lines('mine.yml:1:1: error: a config has no setting `port`', '    1 | port: 8080', '      | ^^^^ it belongs under `server`'),
  ],
  [
    'a key twice',
    but('sinks:', '  odd: { type: rate, from: nab }\nsinks:'),
    lines(
      'mine.yml:5:3: error: odd is here already, in line 4',
      '    5 |   odd: { type: rate, from: nab }',
      '      |   ^^^',
    ),
  ],
  [
    'a bracket that is not closed',
    but('sensitivity: 3.5 }', 'sensitivity: 3.5'),
    lines(
      'mine.yml:4:8: error: this { is not closed',
      '    4 |   odd: { type: detect, from: nab, sensitivity: 3.5',
      '      |        ^',
    ),
  ],
  [
    'a tab',
    'sources:\n\tnab: { type: file }\n',
    lines('mine.yml:2:1: error: lines are indented by spaces, not by tabs', '    2 | \tnab: { type: file }', '      | ^'),
  ],
  [
    'two values in one line',
    'sources: nab: file\n',
    lines('mine.yml:1:10: error: a `key: value` can\'t stand here: indent it like the keys beside it, or put a text that has ": " in it into quotes', '    1 | sources: nab: file', '      |          ^^^^^^^^^'),
  ],
  [
    'a variable that is not set',
    but('out.ndjson', '${OUT_FOLDER}/out.ndjson'),
    lines(
      'mine.yml:6:39: error: the variable OUT_FOLDER is not set and has no default: set it, or write ${OUT_FOLDER:-default}',
      '    6 |   out: { type: file, from: odd, path: ${OUT_FOLDER}/out.ndjson }',
      '      |                                       ^^^^^^^^^^^^^',
    ),
  ],
  [
    'findings where rows are asked for',
    but('sinks:', '  one: { type: correlate, from: odd }\n  two: { type: rate, from: one }\nsinks:').replace('from: odd, path', 'from: two, path'),
    lines(
      'mine.yml:6:28: error: two (rate) takes rows, but one gives findings (alert)',
      '    6 |   two: { type: rate, from: one }',
      '      |                            ^^^',
    ),
  ],
  [
    'late rows of a node that has none',
    but('from: odd', 'from: [odd, nab.late]'),
    lines(
      'mine.yml:6:34: error: nab (file) has no late output',
      '    6 |   out: { type: file, from: [odd, nab.late], path: out.ndjson }',
      '      |                                  ^^^^^^^^',
    ),
  ],
  ['nothing at all', '', lines('mine.yml:1:1: error: a config needs `sources`: where samples come from', '    1 | ', '      | ^', '', 'mine.yml:1:1: error: a config needs `sinks`: where results go', '    1 | ', '      | ^')],
  ['not a map', '- nab\n', lines('mine.yml:1:1: error: a config is a map of `sources`, `operators` and `sinks`, not a list', '    1 | - nab', '      | ^^^^^')],
  [
    'two sinks with one file',
    `${GOOD}  also: { type: file, from: odd, path: ./out.ndjson }\n`,
    lines(
      'mine.yml:7:40: error: out writes this file too: one overwrites the other',
      '    7 |   also: { type: file, from: odd, path: ./out.ndjson }',
      '      |                                        ^^^^^^^^^^^^',
    ),
  ],
  [
    'sources that wait',
    lines(
      'sources:',
      '  past: { type: history, store: histroy, node: live, after: later }',
      '  later: { type: file, path: a.csv, after: [past, live] }',
      '  live: { type: http, after: pats }',
      'operators:',
      '  odd: { type: detect, from: [past, live] }',
      '  more: { type: detect, from: later }',
      'sinks:',
      '  history: { type: duckdb, from: [odd, past, more] }',
    ),
    lines(
      'mine.yml:2:33: error: there is no sink histroy',
      '    2 |   past: { type: history, store: histroy, node: live, after: later }',
      '      |                                 ^^^^^^^ did you mean history?',
      '',
      'mine.yml:2:61: error: sources wait for each other: past -> later -> past',
      '    2 |   past: { type: history, store: histroy, node: live, after: later }',
      '      |                                                             ^^^^^',
      '',
      'mine.yml:3:45: error: sources wait for each other: later -> past -> later',
      '    3 |   later: { type: file, path: a.csv, after: [past, live] }',
      '      |                                             ^^^^',
      '',
      'mine.yml:3:51: error: live never ends: later would never be read',
      '    3 |   later: { type: file, path: a.csv, after: [past, live] }',
      '      |                                                   ^^^^',
      '',
      'mine.yml:4:30: error: there is no source pats',
      '    4 |   live: { type: http, after: pats }',
      '      |                              ^^^^ did you mean past?',
      '',
      'mine.yml:9:40: error: past only teaches: no row of it reaches a sink',
      '    9 |   history: { type: duckdb, from: [odd, past, more] }',
      '      |                                        ^^^^',
    ),
  ],
  [
    'the present beside the past',
    lines(
      'sources:',
      '  past: { type: history, store: out, node: live }',
      '  live: { type: http }',
      'operators:',
      '  one: { type: select, from: live, rename: x }',
      '  odd: { type: detect, from: [past, one] }',
      'sinks:',
      '  out: { type: log, from: odd }',
    ),
    lines(
      'mine.yml:2:33: error: out (log) keeps nothing that can be read back: name a sink of type duckdb or questdb',
      '    2 |   past: { type: history, store: out, node: live }',
      '      |                                 ^^^',
      '',
      'mine.yml:3:3: error: odd learns from past first: give live `after: [past]`',
      '    3 |   live: { type: http }',
      '      |   ^^^^',
    ),
  ],
];

for (const [what, config, expected] of cases) t.equal(told(config), expected, what);

t.test('what follows from another mistake is not told beside it', async (t) => {
  // The window is wrong, so its columns are unknown: the operator that asks for them is not to blame.
  const config = lines(
    'sources:',
    '  nab: { type: file, path: a.csv }',
    'operators:',
    '  ten: { type: window, from: nab, size: 10 }',
    '  odd: { type: detect, from: ten, warmup: x }',
    'sinks:',
    '  out: { type: file, from: odd, path: out.ndjson }',
  );
  t.match(told(config), /^mine\.yml:4:41: error: `size`: 10 is not a duration[^\n]*\n[^\n]*\n[^\n]*\n\nmine\.yml:5:43: error: `warmup` must be a number[^\n]*\n[^\n]*\n[^\n]*$/);
});

t.test('all mistakes are told at once, in the order of the file', async (t) => {
  const config = but('time: timestamp', 'tiem: timestamp, time: 5').replace('3.5', 'x').replace('from: odd', 'from: ood');
  const places = readConfigText('mine.yml', config, {}).diagnostics.map(({ place, suggestion }) => [place.line, suggestion]);
  t.strictSame(places, [
    [2, 'did you mean time?'],
    [2, undefined],
    [4, undefined],
    [6, 'did you mean odd?'],
  ]);
});

t.test('what can be run but not be meant is a warning', async (t) => {
  const config = lines(
    'server: { port: 0, shards: 8, partitions: 4 }',
    'checkpoint: { interval: 200ms }',
    'components: { capacity_planning: { warning: 80 } }',
    'sources: { nab: { type: file, path: a.csv } }',
    'operators:',
    '  all: { type: select, from: nab }',
    '  odd: { type: detect, from: all, sensitivity: 1 }',
    'sinks: { out: { type: file, from: odd, path: out.ndjson } }',
  );
  const { config: loaded, diagnostics } = readConfigText('mine.yml', config, {});
  t.ok(loaded, 'it can be run');
  t.strictSame(
    diagnostics.map(({ severity, place, message }) => [severity, place.line, place.column, message]),
    [
      ['warning', 1, 17, 'port 0 is another free port at each start: clients must be told it from the log'],
      ['warning', 1, 28, 'with 4 partitions only 4 of 8 shards have work'],
      ['warning', 2, 25, 'a checkpoint more often than each second costs more than it saves'],
      ['warning', 3, 15, 'this changes nothing: the graph has no operator of type forecast'],
      ['warning', 6, 3, 'all passes everything on as it is: give it `where`, `rename` or `labels`'],
      ['warning', 7, 48, 'a band of less than 2 deviations marks one value in twenty as unusual'],
    ],
  );
  t.strictSame(loaded?.warnings, diagnostics, 'and the warnings go along with it');
});

t.test('a line that is long, or has what would move the cursor, is shown so that the caret is right', async (t) => {
  const long = told(but('sensitivity: 3.5', `for: 3, ${'warmup: 20,'.padEnd(200)} close: 2`));
  const [, line = '', caret = ''] = long.split('\n');
  t.equal(line.slice(caret.indexOf('^'), caret.indexOf('^') + 1), '2', 'the part around the place');
  t.ok(line.length < 160);

  const bell = told(but('type: detect', 'type: "de\\u0007tect"').replace('nab:', 'n\u202eb:'));
  t.notMatch(bell, /[\u0007\u202e]/u);
});

t.test('files that cannot be read', async (t) => {
  const { readConfig } = await import('../../config/load.js');
  const folder = t.testdir({ 'mine.yml': GOOD });
  const message = (file: string): string => readConfig(`${folder}/${file}`, {}).diagnostics.map((d) => formatDiagnostic(d).replaceAll(folder, 'F')).join('\n');
  t.equal(message('mnie.yml'), 'F/mnie.yml: error: there is no such file: did you mean F/mine.yml?');
  t.equal(message('other/x.yml'), 'F/other/x.yml: error: there is no such file');
  t.equal(message('.'), 'F/.: error: this is a folder: name the config file in it');
});
