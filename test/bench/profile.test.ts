import t from 'tap';
import { callTree, flameGraph, type CpuProfile } from '../../bench/flame-graph.js';
import { draw, timeByKind, waits } from '../../bench/profile.js';

const root = new URL('../../', import.meta.url).href;
const node = (id: number, functionName: string, path = '', children: number[] = []) => ({ id, callFrame: { functionName, url: path === '' ? '' : `${root}${path}`, lineNumber: 9 }, children });

/** A turn of an engine calls a kernel, and that a native square root; it waits; the collector runs; `<odd & name>` is Node's. */
const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 6, 7, 8]),
    node(2, 'turn', 'engine/actor.js', [3, 5, 9]),
    node(3, 'push', 'operators/window/kernel.js', [4]),
    node(4, 'sqrt'),
    node(5, 'wait'),
    node(6, '(garbage collector)'),
    node(7, '(idle)'),
    node(8, '<odd & name>', 'node_modules/x/y.js'),
    node(9, 'read', 'connectors/generate/local.js'),
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9, 3],
  timeDeltas: [100, 1_000, 500, 9_000, 200, 7_000, 50, 300, 1_000],
};

await t.test('time is told by what a function is a part of, without that in which nothing was done', (t) => {
  const times = [...timeByKind([callTree('main', [profile], waits)])].map(([kind, time]) => [kind.name.split(' ')[0], time]);
  t.strictSame(Object.fromEntries(times), { "operators'": 2_500, engine: 100, connectors: 300, the: 0, garbage: 200, other: 50 });
  t.end();
});

await t.test('profiles of threads are merged by their stacks', (t) => {
  const tree = callTree('all', [profile, profile], waits);
  t.equal(tree.total, 2 * 3_150);
  t.equal(tree.children.size, 4);
  const turn = [...tree.children.values()].find((f) => f.name === 'turn')!;
  t.strictSame([turn.self, turn.total, turn.line], [200, 5_800, 10]);
  t.equal([...turn.children.values()].find((f) => f.name === 'push')!.total, 5_000);
  t.end();
});

await t.test('a flame graph has a box as wide as its time under its caller, which tells itself', (t) => {
  const svg = draw('A < B', [callTree('main', [profile], waits)]);
  const boxes = [...svg.matchAll(/<title>(.*)\n(.*)<\/title><rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)].map(([, name, told, x, y, width]) => ({ name: name!.split(' ')[0]!, told: told!, x: Number(x), y: Number(y), width: Number(width) }));
  const box = (name: string) => boxes.find((b) => b.name === name)!;
  t.ok(Math.abs(box('push').width / box('main').width - 2_500 / 3_150) < 0.001);
  t.ok(box('push').y > box('turn').y && box('turn').y > box('main').y);
  t.ok(box('push').x >= box('turn').x && box('push').x + box('push').width <= box('turn').x + box('turn').width + 0.2);
  t.match(box('push').told, /operators.*2\.5 ms \(79\.4 %\), itself 2\.0 ms/);
  t.match(box('sqrt').told, /operators/, 'what has no module is its caller’s');
  t.match(svg, /A &lt; B/);
  t.match(svg, /&lt;odd &amp; name&gt;/);
  t.notMatch(svg, /<odd/);
  t.end();
});

await t.test('of nothing it is empty', (t) => {
  t.match(flameGraph('nothing', [callTree('main', [], waits)], () => ({ name: 'x', colour: '#fff' })), /^<svg [^]*<\/svg>\n$/);
  t.end();
});
