import { spawn } from 'node:child_process';
import t from 'tap';

const stopSignals = new URL('../../cli/stop-signals.js', import.meta.url).href;

/** A process that says when it hears its first signal, then goes on. `elapsed`: how its clock moves. */
function listening(elapsed: string) {
  const script = `
    import { stopSignals } from ${JSON.stringify(stopSignals)};
    let now = 0;
    stopSignals({ now: () => 0, elapsed: () => ${elapsed} }).first.then((signal) => process.stdout.write(signal + '\\n'));
    process.on('SIGUSR2', () => process.exit(7));
    setInterval(() => {}, 1000);
    process.stdout.write('ready\\n');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const until = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (said.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      look();
    });
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  let complained = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
  const ended = new Promise<{ code: number | null; complained: string }>((resolve) => child.once('close', (code) => resolve({ code, complained })));
  return { child, until, ended };
}

t.test('the first signal asks, a second one ends the process at once', async (t) => {
  const { child, until, ended } = listening('now += 1000');
  await until('ready');
  child.kill('SIGINT');
  await until('SIGINT\n');
  child.kill('SIGTERM');
  t.strictSame(await ended, { code: 128 + 15, complained: 'millrace: stopped at once; the last checkpoint stands\n' });
});

t.test('a signal that comes twice, as from a terminal through npm, is one', async (t) => {
  const { child, until, ended } = listening('now += 100');
  await until('ready');
  child.kill('SIGINT');
  await until('SIGINT\n');
  child.kill('SIGINT');
  child.kill('SIGUSR2');
  t.equal((await ended).code, 7, 'it was still there');
});
