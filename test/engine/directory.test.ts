import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import type { AnySink, AnySource } from '../../engine/connector.js';
import { Directory } from '../../engine/directory.js';
import { changesFrom, changesOf, isEmpty, worthOf, type DirectoryChanges } from '../../engine/directory-changes.js';
import type { GraphSpec, Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { BLOCK_SLOTS } from '../../engine/limits.js';
import { ThreadNames } from '../../engine/names.js';
import type { AnyOperator, Derived } from '../../engine/operator.js';
import { makePlan, type Plan } from '../../engine/plan.js';
import { makeSeries, NO_SLOT, parseSeries, partitionOf, seriesText, type Series } from '../../engine/series.js';

const PARTITIONS = 4;

const operator = (name: string, series: (of: Series, port: number) => readonly Derived[], route: AnyOperator['route'] = () => 'series'): AnyOperator =>
  ({ name, ports: () => ({ input: { rows: [] }, output: { rows: [] } }), series: () => series, route, create: () => ({}) }) as Partial<AnyOperator> as AnyOperator;

const label = (of: Series, labels: Record<string, string>) => makeSeries(of.name, { ...of.labels, ...labels });

/** What may become of series: renamed, left out, claimed twice, several, grouped, all in one. */
const derives: Readonly<Record<string, (of: Series, port: number) => readonly Derived[]>> = {
  // Of each two series one has to yield: c1 and c2 both want to be c.
  renamed: (of) => (of.name === 'b' ? [] : [{ series: makeSeries(of.name === 'c' ? 'c' : `${of.name}_new`, of.name === 'c' ? {} : of.labels) }]),
  several: (of) => [{ series: label(of, { half: '1' }) }, { series: label(of, { half: '2' }) }],
  grouped: (of) => [{ series: makeSeries('group', { of: of.labels['n'] ?? '' }), member: seriesText(of.name, of.labels) }],
  // Rows come out for its members: e and the group itself among them; of c1 to c3 one.
  fleet: (of) => [{ series: makeSeries('group', { of: of.labels['n'] ?? '' }), member: seriesText(of.name, of.labels), gives: of.name === 'c' ? makeSeries('c') : of }],
};
const registry: Registry = {
  operators: [
    operator('renamed', derives['renamed']!),
    operator('several', derives['several']!),
    operator('grouped', derives['grouped']!, () => 'group'),
    operator('fleet', derives['fleet']!, () => 'group'),
    { name: 'one', ports: () => ({ input: { rows: [] }, output: { rows: [] } }), route: () => 'one', create: () => ({}) } as Partial<AnyOperator> as AnyOperator,
    { name: 'plain', ports: () => ({ input: { rows: [] }, output: { rows: [] } }), create: () => ({}) } as Partial<AnyOperator> as AnyOperator,
  ],
  sources: [{ name: 'kit', live: () => false, disorder: () => 0 } as Partial<AnySource> as AnySource],
  sinks: [{ name: 'kit' } as Partial<AnySink> as AnySink],
};

/** Two sources; renamed series go on to all the others. */
const nodes: readonly { readonly name: string; readonly type: string; readonly from: readonly string[] }[] = [
  { name: 'plain', type: 'plain', from: ['left', 'right'] },
  { name: 'renamed', type: 'renamed', from: ['plain'] },
  { name: 'several', type: 'several', from: ['renamed'] },
  { name: 'grouped', type: 'grouped', from: ['renamed', 'right'] },
  // The same groups, of other members.
  { name: 'regrouped', type: 'grouped', from: ['several'] },
  { name: 'fleet', type: 'fleet', from: ['left'] },
  { name: 'of-fleet', type: 'grouped', from: ['fleet'] },
  { name: 'all', type: 'one', from: ['grouped'] },
];

function planOf(graph: Partial<GraphSpec> = {}): Plan {
  const spec: GraphSpec = {
    sources: ['left', 'right'].map((name) => ({ name, type: 'kit', from: [], config: {} })),
    operators: nodes.map((node) => ({ ...node, config: {} })),
    sinks: [{ name: 'out', type: 'kit', from: ['several', 'all', 'regrouped', 'of-fleet'], config: {} }],
    partitions: PARTITIONS,
    maxSeries: 1e9,
    seed: 1,
    ...graph,
  };
  const problems = checkGraph(spec, registry);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return makePlan(spec, registry, 2);
}

/** Everything that is known, in a form that does not depend on slots. */
function picture(plan: Plan, directory: Directory, names: ThreadNames, natives: readonly (readonly [source: number, text: string])[]): string[] {
  const lines: string[] = [];
  const follow = (from: string, slot: number, text: string): void => {
    for (const node of plan.operators) {
      for (const [port, input] of node.inputs.entries()) {
        if (input.text !== from) continue;
        const { one, many } = names.derivation(node.index, port);
        const derived = node.derives ? (one[slot] !== undefined && one[slot] !== NO_SLOT ? [one[slot]!] : [...(many.get(slot) ?? [])]) : [slot];
        for (const each of derived) {
          const group = names.group(each);
          const own = group === each ? '' : ` member ${names.member(each)} of ${names.at(node.index).members(group).map((member) => names.member(member)).join(' ')}`;
          lines.push(`${from} ${text} -> ${node.spec.name}.${port} ${names.text(each)}${own} on ${names.shardOf[each >>> 6]}`);
          follow(node.spec.name, node.spec.type === 'fleet' ? each : group, names.text(each));
        }
      }
    }
  };
  for (const [source, text] of natives) {
    const slot = directory.slot(source, text, -Infinity);
    if (names.text(slot) !== text || names.shardOf[slot >>> 6] !== plan.owner[partitionOf(text, PARTITIONS)]) lines.push(`${text} has slot ${slot} of ${names.text(slot)}`);
    follow(plan.sources[source]!.spec.name, slot, text);
  }
  return [...new Set(lines)].sort();
}

/** A series is told apart by its text and the node that made it, '' for a source; a renamed one keeps its partition. */
const identityOf = (text: string, node: string, partition = partitionOf(text, PARTITIONS)) => `${text}@${node}@${partition}`;
const partitionIn = (identity: string) => Number(identity.slice(identity.lastIndexOf('@') + 1));

/** `by`: its identity, of a member that of its group; `own`: of a member that gives rows. */
interface Becomes {
  readonly node: number;
  readonly port: number;
  readonly by: string;
  readonly text: string;
  readonly member?: string;
  readonly own?: string;
}

/** The same by the definition: which series there are, and what has become of each. */
class Model {
  /** Of each source, in order of their coming. */
  readonly natives = new Map<string, { source: number; text: string }>();
  /** When each was last seen, by whichever source. */
  readonly last = new Map<string, number>();
  /** node and text -> who became it first. */
  readonly #claims = new Map<string, string>();
  readonly #refused = new Set<string>();
  readonly #derived = new Map<string, Becomes[]>();
  #seen = new Set<string>();

  constructor(readonly plan: Plan) {}

  see(source: number, text: string, time: number): void {
    const key = `${source} ${text}`;
    this.last.set(text, time);
    if (this.natives.has(key)) return;
    this.natives.set(key, { source, text });
    this.#walk(this.plan.sources[source]!.spec.name, text, identityOf(text, ''));
  }

  #walk(from: string, text: string, identity: string): void {
    for (const node of this.plan.operators) {
      for (const [port, input] of node.inputs.entries()) {
        if (input.text !== from) continue;
        if (!node.derives) {
          this.#note(identity, { node: node.index, port, by: identity, text });
          this.#walk(node.spec.name, text, identity);
          continue;
        }
        const of = parseSeries(text);
        const becomes: readonly Derived[] = node.route === 'one' ? [{ series: makeSeries(node.spec.name), member: text }] : derives[node.spec.type]!(of, port);
        for (const { series, member, gives } of becomes) {
          const next = seriesText(series.name, series.labels);
          if (member !== undefined) {
            const group = identityOf(next, node.spec.name);
            if (gives === undefined) {
              this.#note(identity, { node: node.index, port, by: group, text: next, member });
              this.#walk(node.spec.name, next, group);
              continue;
            }
            const given = seriesText(gives.name, gives.labels);
            if (!this.#claim(node.index, given, identity)) continue;
            const own = identityOf(`${next} ${member}`, node.spec.name, partitionIn(group));
            this.#note(identity, { node: node.index, port, by: group, text: given, member, own });
            this.#walk(node.spec.name, given, own);
            continue;
          }
          if (!this.#claim(node.index, next, identity)) continue;
          // What stays the same is the same.
          const own = next === text ? identity : identityOf(next, node.spec.name, partitionIn(identity));
          this.#note(identity, { node: node.index, port, by: own, text: next });
          this.#walk(node.spec.name, next, own);
        }
      }
    }
  }

  #claim(node: number, text: string, identity: string): boolean {
    const claim = `${node} ${text}`;
    const first = this.#claims.get(claim) ?? identity;
    // Who was refused stays so until he is forgotten himself.
    if (first !== identity) this.#refused.add(`${node} ${identity}`);
    if (this.#refused.has(`${node} ${identity}`)) return false;
    this.#claims.set(claim, identity);
    return true;
  }

  #note(identity: string, derived: Becomes): void {
    const list = this.#derived.get(identity) ?? [];
    this.#derived.set(identity, list);
    if (!list.some((each) => JSON.stringify(each) === JSON.stringify(derived))) list.push(derived);
  }

  picture(): string[] {
    const members = new Map<string, Set<string>>();
    const lines: string[] = [];
    this.#seen = new Set();
    const each = (visit: (from: string, text: string, to: Becomes) => void): void => {
      const follow = (from: string, text: string, identity: string): void => {
        this.#seen.add(identity);
        for (const to of this.#derived.get(identity) ?? []) {
          const node = this.plan.operators[to.node]!;
          if (node.inputs[to.port]!.text !== from) continue;
          visit(from, text, to);
          this.#seen.add(to.by);
          if (to.own !== undefined) this.#seen.add(to.own);
          else if (to.member !== undefined) this.#seen.add(`${node.spec.name} ${to.text} ${to.member}`);
          follow(node.spec.name, to.text, to.own ?? to.by);
        }
      };
      for (const { source, text } of this.natives.values()) follow(this.plan.sources[source]!.spec.name, text, identityOf(text, ''));
    };
    each((_from, _text, { node, by, member }) => {
      if (member !== undefined) members.set(`${node} ${by}`, (members.get(`${node} ${by}`) ?? new Set()).add(member));
    });
    each((from, text, { node, port, by, text: to, member }) => {
      const own = member === undefined ? '' : ` member ${member} of ${[...members.get(`${node} ${by}`)!].sort().join(' ')}`;
      lines.push(`${from} ${text} -> ${this.plan.operators[node]!.spec.name}.${port} ${to}${own} on ${this.plan.owner[partitionIn(by)]}`);
    });
    return [...new Set(lines)].sort();
  }

  /** Slots needed for what the last picture shows, and for the node that has a series of its own. */
  get live(): number {
    return this.#seen.add(identityOf('all', 'all')).size;
  }

  /** What is left when series unseen since `before` are forgotten; what the others had become stays. */
  expire(before: number): void {
    for (const [key, { text }] of this.natives) if (this.last.get(text)! < before) this.natives.delete(key);
    this.picture();
    const left = this.#seen;
    for (const identity of this.#derived.keys()) if (!left.has(identity)) this.#derived.delete(identity);
    for (const refused of this.#refused) if (!left.has(refused.slice(refused.indexOf(' ') + 1))) this.#refused.delete(refused);
    for (const [claim, by] of this.#claims) if (!left.has(by)) this.#claims.delete(claim);
  }
}

const texts = ['a{n="1"}', 'a{n="2"}', 'b{n="1"}', 'c{k="1",n="1"}', 'c{k="2"}', 'c{k="3",n="2"}', 'a_new{n="1"}', 'd', 'e{n="1"}', 'group{of="1"}'];
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ source: fc.nat(1), text: fc.constantFrom(...texts) }) },
  { weight: 2, arbitrary: fc.constant('checkpoint' as const) },
  { weight: 1, arbitrary: fc.constant('restore' as const) },
  { weight: 1, arbitrary: fc.constant('later' as const) },
);

await t.test('in any sequence of coming, going, saving and restoring it is as the naive model says', (t) => {
  const plan = planOf();
  const KEPT = 3;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, wholeToo) => {
      const model = new Model(plan);
      let directory = new Directory(plan, registry);
      let names = new ThreadNames(PARTITIONS, plan.owner);
      let saves: DirectoryChanges[] = [];
      let time = 0;
      let checkpoint = 0;
      /** At which checkpoint slots were released. */
      const resting = new Map<number, number>();
      const learn = (): boolean => {
        const told = directory.announce();
        if (told === undefined) return true;
        names.learn(told);
        return [...told.series.slots, ...told.members.map(([slot]) => slot)].every((slot) => {
          const released = resting.get(slot);
          resting.delete(slot);
          return released === undefined || released < checkpoint - KEPT + 1;
        });
      };
      learn();
      for (const each of steps) {
        if (each === 'later') time += 10;
        else if (each === 'checkpoint') {
          checkpoint += 1;
          const released = directory.expire(time - 15, checkpoint, checkpoint - KEPT);
          saves.push(changesFrom(JSON.parse(JSON.stringify(directory.save()))));
          names.release(released);
          for (const slot of released) resting.set(slot, checkpoint);
          model.expire(time - 15);
        } else if (each === 'restore') {
          // Incremental changes are worth the whole.
          saves.push(changesFrom(JSON.parse(JSON.stringify(directory.save()))));
          if (wholeToo) saves = [...directory.saveAll()].map((part) => changesFrom(JSON.parse(JSON.stringify(part))));
          const slots = [...model.natives.values()].map(({ source, text }) => directory.slot(source, text, -Infinity));
          directory = new Directory(plan, registry);
          directory.restore(saves, time);
          resting.clear();
          names = new ThreadNames(PARTITIONS, plan.owner);
          learn();
          const again = [...model.natives.values()].map(({ source, text }) => directory.slot(source, text, -Infinity));
          if (directory.announce() !== undefined || again.some((slot, i) => slot !== slots[i])) return false;
          for (const { text } of model.natives.values()) model.last.set(text, time);
        } else {
          time += 1;
          directory.slot(each.source, each.text, time);
          model.see(each.source, each.text, time);
          if (!learn()) return false;
        }
        const got = picture(plan, directory, names, [...model.natives.values()].map(({ source, text }) => [source, text] as const));
        const wanted = model.picture();
        if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`got ${got.filter((line) => !wanted.includes(line)).join('; ')} instead of ${wanted.filter((line) => !got.includes(line)).join('; ')}`);
        if (directory.live !== model.live) throw new Error(`${directory.live} live instead of ${model.live}`);
      }
      return true;
    }),
    { numRuns: 150 },
  );
  t.end();
});

await t.test('who claims an identity first has it, until it is forgotten; the other is counted', (t) => {
  const plan = planOf();
  const directory = new Directory(plan, registry);
  directory.slot(0, 'c{k="1"}', 0);
  t.equal(directory.conflicts, 0);
  directory.slot(0, 'c{k="2"}', 100);
  t.same([directory.conflicts, directory.lastConflict], [2, 'fleet: c'], 'renamed, and as a member that gives rows');
  directory.expire(50, 1, -1);
  directory.slot(0, 'c{k="3"}', 200);
  t.equal(directory.conflicts, 2, 'the first is gone: the identity is free');
  t.end();
});

await t.test('series beyond the bound are refused and counted, until there is room', (t) => {
  const plan = planOf({ maxSeries: 10, operators: [], sinks: [{ name: 'out', type: 'kit', from: ['left', 'right'], config: {} }] });
  const directory = new Directory(plan, registry);
  for (let i = 0; i < 10; i++) t.not(directory.slot(0, `s${i}`, i), NO_SLOT);
  t.equal(directory.slot(0, 'one-more', 10), NO_SLOT);
  t.equal(directory.slot(1, 'and-more', 10), NO_SLOT);
  t.same([directory.refused, directory.lastRefused, directory.live], [2, 'and-more', 10]);
  t.not(directory.slot(1, 's3', 10), NO_SLOT, 'a series that another source has is no more');
  t.equal(directory.slot(1, 's3', 10), directory.slot(0, 's3', 10));
  directory.expire(5, 1, -1);
  t.equal(directory.live, 6, 's3 was seen again');
  t.not(directory.slot(0, 'one-more', 11), NO_SLOT);
  t.end();
});

await t.test('changes as they were written once, an entry for each series, are worth the same', (t) => {
  const now = changesOf({ given: { slots: [3, 70], partitions: [0, 1], keys: ['a', 'b\0node'] }, native: [['left', [3]], ['right', [3]]], released: [70] });
  const once = { given: [[3, 0, 'a'], [70, 1, 'b\0node']], native: [['left', 3], ['right', 3]], released: [70], refused: [] };
  const sources = ['left', 'right'];
  t.same(worthOf([changesFrom(once)], sources), worthOf([changesFrom(now)], sources));
  t.notOk(isEmpty(changesFrom(once)));
  t.ok(isEmpty(changesFrom({ given: [], native: [], released: [], refused: [] })));
  t.ok(isEmpty(changesOf({ native: [['left', []]] })));
  t.end();
});

await t.test('a million series come and go in bounded memory', (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const plan = planOf({
    operators: [
      { name: 'named', type: 'renamed', from: ['left'], config: {} },
      { name: 'groups', type: 'grouped', from: ['right'], config: {} },
    ],
    sinks: [{ name: 'out', type: 'kit', from: ['named', 'groups'], config: {} }],
  });
  const directory = new Directory(plan, registry);
  const names = new ThreadNames(PARTITIONS, plan.owner);
  const STEPS = 1_000;
  const EACH = 1_000;
  const KEPT = 3;
  let highest = 0;
  let least = Infinity;
  let most = 0;
  for (let now = 0; now < STEPS; now++) {
    for (let i = 0; i < EACH; i++) highest = Math.max(highest, directory.slot(i % 10 === 0 ? 1 : 0, `a{n="${now % 7}",pod="${now * EACH + i}"}`, now));
    names.learn(directory.announce()!);
    names.release(directory.expire(now - 4, now, now - KEPT));
    directory.save();
    if (now % 100 !== 99) continue;
    collect();
    const { heapUsed } = process.memoryUsage();
    most = Math.max(most, heapUsed);
    least = Math.min(least, heapUsed);
  }
  // Each with its new name, or as a member: live for five steps and resting for four.
  t.ok(highest < 1.2 * 2 * EACH * 9 + PARTITIONS * BLOCK_SLOTS, `slots up to ${highest}`);
  t.ok(directory.live <= 2 * EACH * 5 + 7, `${directory.live} live`);
  t.ok(most - least < 8e6, `heap between ${Math.round(least / 1e6)} and ${Math.round(most / 1e6)} MB`);
  t.end();
});

await t.test('a group of a hundred thousand members is learnt and left in no time', (t) => {
  const plan = planOf({ operators: [{ name: 'all', type: 'one', from: ['left'], config: {} }], sinks: [{ name: 'out', type: 'kit', from: ['all', 'right'], config: {} }] });
  const directory = new Directory(plan, registry);
  const names = new ThreadNames(PARTITIONS, plan.owner);
  for (let i = 0; i < 100_000; i++) directory.slot(0, `s${i}`, 0);
  names.learn(directory.announce()!);
  const all = names.at(0);
  const members = all.members(directory.self(plan.operators[0]!));
  t.equal(members.length, 100_000);
  const sorted = members.map((member) => names.member(member));
  t.same(sorted.slice(0, 3), ['s0', 's1', 's10']);
  t.ok(sorted.every((text, i) => i === 0 || sorted[i - 1]! < text), 'in order of their text');
  for (let released = directory.expire(1, 1, -1); released.length > 0; released = directory.expire(1, 2, -1)) names.release(released);
  t.equal(all.members(directory.self(plan.operators[0]!)).length, 0);
  t.end();
});
