import t from 'tap';
import { readLabelled, readWindows } from '../../cli/labelled-file.js';
import { millraces, type Done } from './command.js';

const START = Date.UTC(2024, 0, 15);
const at = (row: number): string => new Date(START + row * 60_000).toISOString();
const ROWS = 300;

/** A calm series with one burst, rows 200 to 209, which is labelled. */
const rows = Array.from({ length: ROWS }, (_, i) => {
  const unusual = i >= 200 && i < 210;
  return { time: at(i), value: (50 + Math.sin(i * 2.4) + (unusual ? 40 : 0)).toFixed(3), label: unusual ? 1 : 0 };
});
const csv = (header: string, of: typeof rows, labelled = true): string => `${header}\n${of.map(({ time, value, label }) => (labelled ? `${time},${value},${label}` : `${time},${value}`)).join('\n')}\n`;
const files = {
  'labelled.csv': csv('time,value,label', rows),
  'plain.csv': csv('at,ms', rows, false),
  'windows.json': JSON.stringify([[at(200), at(209)]]),
  'by-file.json': JSON.stringify({ 'plain.csv': [[at(200).slice(0, 19).replace('T', ' '), at(209).slice(0, 19).replace('T', ' ')]] }),
};

await t.test('scores by labels and by windows are the same; for people and for programs', (t) => {
  const cwd = t.testdir(files);
  const [said, ...asked] = millraces(cwd, [
    ['quality', 'labelled.csv'],
    ['quality', '--json', 'labelled.csv'],
    ['quality', '--json', '--time', 'at', '--value', 'ms', '--windows', 'by-file.json', 'plain.csv'],
    ['quality', '--json', '--detect', '{ sensitivity: 100 }', 'labelled.csv'],
  ]) as [Done, ...Done[]];
  t.equal(said.code, 0, said.stderr);
  t.match(said.stdout, /^1 file, 300 rows, 1 labelled\n\nNAB standard +100\.0 +score >= [\d.]+: 1 of 1 found, 0 false rows\n[\s\S]*\nF1 of events +1\.000 +score >= [\d.]+: 1 of 1 found, in the middle after 0 rows, 0 false alarms\nAUC of rows +[\d.]+\nTold by detect +1 of 1 found, in the middle after 0 rows, 0 elsewhere\n$/);

  const [byLabels, byWindows, insensitive] = asked.map(({ code, stdout, stderr }): object => {
    t.equal(code, 0, stderr);
    return JSON.parse(stdout) as object;
  });
  t.match(byLabels, { nab: { standard: { score: 100, windows: 1, missed: 0 } }, events: { f1: 1, found: 1 }, told: { found: 1, missed: 0, elsewhere: 0 } });
  t.same(byWindows, { ...byLabels, files: [{ path: 'plain.csv', rows: ROWS, labelled: 1 }] });
  t.match(insensitive, { told: { found: 0, missed: 1 } }, 'detect has the options that were given');
  t.end();
});

await t.test('what is wrong is told where it is', async (t) => {
  const cwd = t.testdir({
    ...files,
    'back.csv': csv('time,value,label', [...rows.slice(0, 20), ...rows.slice(10, 20)]),
    'broken.csv': `time,value,label\n${at(0)},5,0\nyesterday,5,0\n${at(1)},much,0\n`,
    'strange.csv': `time,value,label\n${at(0)},5,0\n${at(1)},6,2\n`,
    'empty.csv': 'time,value,label\n',
    'calm.csv': csv('time,value,label', rows.slice(0, 100)),
    'far.json': JSON.stringify([['2020-01-01', '2020-01-02']]),
    'other.json': JSON.stringify({ 'x.csv': [] }),
    'turned.json': JSON.stringify([[at(5), at(3)]]),
    'text.json': '"no"',
  });
  const columns = { time: 'time', value: 'value', label: 'label' };
  const reading = (name: string, windows?: string) => readLabelled(`${cwd}/${name}`, windows === undefined ? columns : { time: 'at', value: 'ms', label: undefined }, windows === undefined ? undefined : readWindows(`${cwd}/${windows}`), 'm');
  const fails = async (told: RegExp, name: string, windows?: string): Promise<void> => {
    try {
      await reading(name, windows);
      t.fail(`${name} ${windows ?? ''} was taken`);
    } catch (error) {
      t.match((error as Error).message, told, `${name} ${windows ?? ''}`);
      t.match(error, { name: 'CommandError', code: 1 });
    }
  };
  await fails(/no-such\.csv: there is no such file/, 'no-such.csv');
  await fails(/plain\.csv: no column "time"; its columns are "at", "ms"/, 'plain.csv');
  await fails(/back\.csv: 2024-01-15T00:10:00.000Z comes after 2024-01-15T00:19:00.000Z: rows must be in order of time/, 'back.csv');
  await fails(/broken\.csv:3: column "time".*\n.*broken\.csv:4: /, 'broken.csv');
  await fails(/strange\.csv: column "label": 2 is no label/, 'strange.csv');
  await fails(/empty\.csv: has no row with a value/, 'empty.csv');
  await fails(/plain\.csv: no row lies in the window from 2020-01-01/, 'plain.csv', 'far.json');
  await fails(/plain\.csv: no windows are told of it; there are of x\.csv/, 'plain.csv', 'other.json');
  t.throws(() => readWindows(`${cwd}/turned.json`), /turned\.json: 0: begins after it ends/);
  t.throws(() => readWindows(`${cwd}/text.json`), /neither a list of windows/);
  t.throws(() => readWindows(`${cwd}/none.json`), /ENOENT/);

  const wrong: readonly (readonly [args: readonly string[], told: RegExp])[] = [
    [['calm.csv'], /nothing is labelled/],
    [['--detect', '{ sensitivty: 4 }', 'labelled.csv'], /--detect: .*sensitivty/],
    [['--detect', '4', 'labelled.csv'], /options such as/],
  ];
  const answers = millraces(cwd, wrong.map(([args]) => ['quality', ...args]));
  for (const [i, [args, told]] of wrong.entries()) {
    t.equal(answers[i]!.code, 1, args.join(' '));
    t.match(answers[i]!.stderr, told);
    t.notMatch(answers[i]!.stderr, /\n\s+at /, 'without a stack');
  }
});
