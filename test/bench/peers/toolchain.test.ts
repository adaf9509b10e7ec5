import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { engines as bytewax } from '../../../bench/peers/bytewax/engine.js';
import { engines as timely } from '../../../bench/peers/timely/engine.js';
import { fingerprint, run, sourceFolder } from '../../../bench/peers/toolchain.js';

function temporary(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-toolchain-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

await t.test('a build has another name when a source or a tool is another', async (t) => {
  const folder = temporary(t);
  const name = (source: string, tool: string, file = 'a'): string => {
    writeFileSync(join(folder, file), source);
    return fingerprint(folder, [file], [tool]);
  };
  const first = name('source', '1.0');
  t.equal(name('source', '1.0'), first);
  t.equal(new Set([first, name('source ', '1.0'), name('source', '1.1'), name('source', '1.0', 'b')]).size, 4);
});

await t.test('sources are found from where they are compiled to', async (t) => {
  t.ok(existsSync(join(sourceFolder('timely', 'Cargo.toml'), 'src/main.rs')));
  t.throws(() => sourceFolder('timely', 'no-such-file'), /bench\/peers\/timely\/no-such-file is not above/);
});

await t.test('a tool tells its code, what it printed and what it said last', async (t) => {
  const say = (script: string, limitMs = 60_000): ReturnType<typeof run> => run(process.execPath, ['-e', script], limitMs, { NODE_OPTIONS: '' });
  t.strictSame(await say("console.log('one'); console.log('two')"), { code: 0, stdout: 'one\ntwo\n', last: 'two' });
  t.match(await say("console.error('broken'); process.exitCode = 3"), { code: 3, stdout: '', last: 'broken' });
  t.match(await say('setInterval(() => {}, 1000)', 200), { code: null, last: 'it took longer than 0.2 s' });
  t.match(await run('no-such-tool', [], 1_000), { code: null, last: /ENOENT/ });
});

await t.test('without its toolchain a peer is missing, and says what it needs', async (t) => {
  const cache = temporary(t);
  const path = process.env['PATH'];
  t.teardown(() => (process.env['PATH'] = path));
  process.env['PATH'] = cache;
  for (const engine of timely) t.match(await engine.prepare(join(cache, engine.name)), { missing: /^Rust .*ENOENT/ });
  for (const engine of bytewax) t.match(await engine.prepare(join(cache, engine.name)), { missing: /^Python 3.*ENOENT/ });
});
