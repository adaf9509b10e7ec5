import type { Clock, Time } from './clock.js';
import type { Source } from './connector.js';
import type { Control, ControlSender } from './control.js';
import { Dating } from './dating.js';
import { Deferred } from './deferred.js';
import { Drift } from './drift.js';
import type { Directory } from './directory.js';
import type { Decision, Journal } from './journal.js';
import { Horizon } from './horizon.js';
import { IdleSources, type Move } from './idle.js';
import { BATCH_ROWS } from './limits.js';
import type { ThreadNames } from './names.js';
import type { Outlet } from './outlet.js';
import type { Link, Plan, PlannedOperator } from './plan.js';
import type { Signal } from './signal.js';
import { Staging, type Refusals, type SavedSource } from './staging.js';
import { pause } from './timers.js';
import { WakeUp } from './wake-up.js';

/**
 * Where samples enter: reads the sources, interns their series, cuts what they give by watermarks, and sends
 * it to the shards. A watermark goes before the row that moves it. Live sources are sent as they come; those
 * that replay are merged into one stream by their next row, so that their order does not depend on speed.
 */
export class Intake {
  readonly #sources: readonly Staging[];
  readonly #directory: Directory;
  readonly #names: ThreadNames;
  readonly #outlets: readonly Outlet[];
  readonly #controls: readonly ControlSender[];
  readonly #signal: Signal;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #stopped = new Deferred<void>();
  readonly #journal: Journal | undefined;
  readonly #idle: IdleSources;
  readonly #dating: Dating;
  readonly #drift: Drift;
  /** Some source only teaches. */
  readonly #learns: boolean;
  #broken = false;
  #ended = false;
  /** Some operator has training tasks, or hears what people say: then the journal says how far watermarks may have been told. */
  readonly #keepsHorizon: boolean;
  readonly #horizon = new Horizon();
  /** A watermark told here has reached every operator when the sources are so much further, ms. */
  readonly #slack: number;
  /** When the event loop last had a turn: a source that always has something would starve it. */
  #breathed = 0;
  readonly #wakeUp: WakeUp;
  /** One thing is sent at a time, and barriers fall between. */
  #turnstile: Promise<unknown> = Promise.resolve();

  constructor(plan: Plan, sources: ReadonlyMap<number, Source>, directory: Directory, names: ThreadNames, outlets: readonly Outlet[], controls: readonly ControlSender[], signal: Signal, clock: Clock, live: boolean, refusals: Refusals, journal: Journal | undefined) {
    this.#journal = journal;
    this.#keepsHorizon = plan.operators.some((node) => node.trains) || plan.sources.some(({ quiet }) => quiet);
    this.#slack = Math.max(0, ...plan.operators.map(({ lead, delay }) => lead + delay));
    this.#directory = directory;
    this.#names = names;
    this.#outlets = outlets;
    this.#controls = controls;
    this.#signal = signal;
    this.#wakeUp = new WakeUp(outlets, signal.timers);
    this.#clock = clock;
    this.#sources = [...sources].map(([index, source]) => new Staging(index, plan.sources[index]!, source, plan, directory, live && plan.sources[index]!.live, clock, refusals));
    for (const staging of this.#sources) staging.before = this.#sources.filter(({ index }) => staging.planned.after.includes(index));
    this.#learns = plan.sources.some(({ teaches }) => teaches);
    this.#idle = new IdleSources(plan, this.#sources, clock);
    this.#dating = new Dating(plan, this.#sources, journal);
    this.#drift = new Drift(plan, this.#sources);
  }

  /** Goes on from where the sources stood, and decides again what the journal says. */
  restore(saved: Readonly<Record<string, SavedSource>>): void {
    for (const staging of this.#sources) {
      for (const decision of this.#journal?.decisions ?? []) if (decision.type === 'idle' && decision.source === staging.name) staging.decided.push(decision);
      const one = saved[staging.name];
      if (one !== undefined) staging.restore(one);
    }
  }

  /** Until every source has ended; then the graph is told. */
  async run(): Promise<void> {
    for (const staging of this.#sources) if (staging.planned.quiet) await this.#dateAgain(staging);
    await this.#pass(async () => {
      // Before all watermarks: what was of the present before a crash still is.
      for (const staging of this.#sources) if (staging.present) this.#tellPresent(staging, true);
      // Nobody waits for rows that never come: told first, so that no watermark of the others is passed over.
      for (const staging of this.#sources) if (staging.planned.quiet) this.#tellWatermark(staging, Infinity);
      for (const staging of this.#sources) {
        await this.#decideAgain(staging);
        this.#tellWatermark(staging, staging.watermark.time);
      }
      await this.#flush();
    });
    const live = this.#sources.filter((s) => s.live);
    await Promise.all([...live.map((staging) => this.#follow(staging)), this.#replay(this.#sources.filter((s) => !s.live)), this.#watchIdle(live)]);
  }

  /** Nothing is read any more; `run` returns when what was being sent is sent. `broken`: nobody takes it any more. */
  stop(broken = false): void {
    this.#broken ||= broken;
    this.#abort.abort();
    this.#stopped.resolve();
    this.#signal.ring();
  }

  /** Every source has ended by itself: tells the shards and sinks that nothing comes any more. */
  end(): Promise<void> {
    return this.#pass(async () => {
      this.#ended = true;
      for (const outlet of this.#outlets) outlet.end();
      await this.#flush();
    });
  }

  /** Sends the barrier of a checkpoint, with the slots released at it; returns where the sources stand there. */
  barrier(checkpoint: number, released: readonly number[]): Promise<{ sources: Record<string, SavedSource>; journal: number }> {
    return this.#pass(async () => {
      // What was read meanwhile may have brought further series.
      for (let more = true; more; ) more = await this.#announce();
      for (const control of this.#controls) {
        if (released.length > 0) control.send({ type: 'release', checkpoint, slots: released });
        control.send({ type: 'barrier', checkpoint });
      }
      if (!this.#ended) for (const outlet of this.#outlets) outlet.barrier(checkpoint);
      // Before anybody is waited for: what is read from now on has series that have no names yet.
      const saved: Record<string, SavedSource> = {};
      for (const staging of this.#sources) saved[staging.name] = staging.save((slot) => this.#names.text(slot));
      await this.#flush();
      this.#horizon.renew(this.#furthest);
      return { sources: saved, journal: this.#journal?.place(this.watermark - this.#slack) ?? 0 };
    });
  }

  /** Does something between messages. Where it could not be done, again a little later. */
  async between(act: () => Promise<boolean>): Promise<void> {
    while (!(await this.#pass(act)) && !this.#abort.signal.aborted) await pause(this.#signal.timers, RECORD_AGAIN_MS, this.#abort.signal);
  }

  /** No watermark beyond it has been told to an operator, also not by a run before a crash where that was the end. */
  told({ origins }: PlannedOperator): Time {
    const sources = this.#sources.filter((s) => origins.includes(s.index));
    if (sources.every((s) => s.watermark.time === Infinity || this.#journal?.ended.has(s.name) === true)) return Infinity;
    return Math.max(...sources.map((s) => s.watermark.time).filter((time) => time !== Infinity));
  }

  /** Tells a shard something whose place among the messages does not matter; waits for nobody who may wait for it. */
  async tell(control: ControlSender, told: Control): Promise<void> {
    control.send(told);
    await this.#flush();
  }

  /** The earliest watermark of all sources that are not idle, or of all that have not ended; series unseen for long before it expire. */
  get watermark(): Time {
    // Those that shards read tell it nothing.
    if (this.#sources.length === 0) return -Infinity;
    const active = this.#sources.filter((s) => !s.idle && s.watermark.time !== Infinity);
    return Math.min(...(active.length === 0 ? this.#sources : active).map((s) => s.watermark.time));
  }

  /** No watermark beyond it has been told, but for the end of a source. */
  get #furthest(): Time {
    return Math.max(-Infinity, ...this.#sources.map((s) => s.watermark.time).filter((time) => time !== Infinity));
  }

  /** Counters by source. */
  status(): { name: string; rows: number; watermark: Time; idle: boolean; ended: boolean; waitsFor: string[] }[] {
    return this.#sources.map((s) => ({ name: s.name, rows: s.rows, watermark: s.watermark.time, idle: s.idle, ended: s.ended, waitsFor: [...s.before.filter((other) => !other.done), ...this.#drift.waitsFor(s)].map(({ name }) => name) }));
  }

  #pass<T>(act: () => Promise<T>): Promise<T> {
    const passed = this.#turnstile.then(act);
    this.#turnstile = passed.catch(() => {});
    return passed;
  }

  async #follow(staging: Staging): Promise<void> {
    if (staging.waits) await Promise.race([Promise.all(staging.before.map(({ over }) => over.promise)), this.#stopped.promise]);
    while (!this.#abort.signal.aborted && !staging.done) {
      if (staging.empty && !staging.ended) await this.#read(staging);
      await this.#pass(async () => {
        // Read with what was read: whoever saves between sees both or neither.
        if (staging.empty && !staging.ended) return;
        staging.heard = this.#clock.elapsed();
        staging.idle = false;
        await this.#announce();
        while (staging.staged && !this.#drift.holds(staging)) await this.#sendRun(staging, staging.next);
        if (this.#idle.some) await this.#moveIdle();
        if (!staging.staged) await this.#finish(staging);
        else await this.#flush();
      });
      if (staging.staged) await pause(this.#signal.timers, DRIFT_LOOK_MS, this.#abort.signal);
    }
  }

  /** Reads all sources that are not live as one: the one whose next row is earliest goes first, ties by name. */
  async #replay(sources: readonly Staging[]): Promise<void> {
    const all = [...sources].sort((a, b) => (a.name < b.name ? -1 : 1));
    while (!this.#abort.signal.aborted) {
      const byName = all.filter((s) => !s.waits);
      for (const staging of byName) await this.#stage(staging);
      if (this.#abort.signal.aborted) return;
      const open = byName.filter((s) => s.staged);
      // Whose turn came meanwhile is not among these.
      if (open.length === 0 && all.some((s) => !s.waits && !byName.includes(s))) continue;
      if (open.length === 0) return;
      let held = false;
      await this.#pass(async () => {
        await this.#announce();
        // As many runs at once as one message of the turnstile may hold without starving barriers.
        for (let n = 0; n < RUNS_A_PASS; n++) {
          let first = open[0]!;
          for (const staging of open) if (staging.next < first.next) first = staging;
          held = this.#drift.holds(first);
          if (!first.staged || held) break;
          const time = first.next;
          await this.#reach(time);
          await this.#followPast(first.time[first.sent]!);
          for (const staging of byName) if (staging !== first && staging.watermark.advance(time)) this.#tellWatermark(staging, time);
          await this.#sendRun(first, time);
          if (!first.staged) await this.#finish(first);
          if (!first.staged && !first.ended) break;
        }
        if (this.#idle.some) await this.#moveIdle();
        await this.#flush();
      });
      if (held) await pause(this.#signal.timers, DRIFT_LOOK_MS, this.#abort.signal);
    }
  }

  /** Until its next row is known, or its end is told: whether the last rows said that they are the last must make no difference. */
  async #stage(staging: Staging): Promise<void> {
    while (!staging.staged && !staging.ended && !this.#abort.signal.aborted) {
      await this.#read(staging);
      if (!staging.staged && !staging.empty) await this.#pass(() => this.#finish(staging));
    }
    if (!staging.staged && staging.ended && !staging.done) await this.#pass(() => this.#finish(staging));
  }

  async #read(staging: Staging): Promise<void> {
    if (this.#clock.elapsed() - this.#breathed > BREATH_MS) {
      await this.#signal.timers.turn();
      this.#breathed = this.#clock.elapsed();
    }
    await staging.read(this.#abort.signal);
  }

  /** Sends the watermark, and the rows up to the next that would move it. */
  async #sendRun(staging: Staging, time: Time): Promise<void> {
    await this.#advance(staging, time);
    let to = staging.sent;
    const decision = staging.decided[0]?.rows ?? Infinity;
    while (to < staging.ready && to - staging.sent < BATCH_ROWS && staging.rows + to - staging.sent < decision && staging.watermark.before(staging.time[to]!) === staging.watermark.time) {
      staging.watermark.see(staging.time[to]!);
      to += 1;
    }
    const batch = staging.batch(staging.sent, to);
    for (const link of staging.links) this.#outletOf(link).rows(link, batch);
    staging.rows += batch.length;
    staging.sent = to;
    await this.#decideAgain(staging);
    // Whoever called flushes when it has sent all it has: one wake-up for many small messages.
    if (this.#outlets.some((outlet) => outlet.blocked)) await this.#flush();
  }

  /** What was dated before a crash goes before everything that it must not be overtaken by. */
  async #dateAgain(staging: Staging): Promise<void> {
    while (this.#dating.waits(staging)) {
      if (staging.empty) await staging.read(AbortSignal.abort());
      if (staging.empty) break;
      await this.#pass(() => this.#finish(staging));
    }
    this.#dating.forget(staging);
  }

  /** Event time that the readers of what people say have not reached; undefined where there is no such source, or no time yet. */
  get ahead(): Time | undefined {
    const times = this.#sources.filter(({ planned }) => planned.quiet).map((staging) => this.#dating.ahead(staging));
    return times.length === 0 || times[0] === -Infinity ? undefined : times[0];
  }

  /** All that a reading gave is sent: its findings, and its end. */
  async #finish(staging: Staging): Promise<void> {
    for (const finding of staging.findings.splice(0)) {
      const dated = staging.planned.quiet ? await this.#dating.date(staging, finding, (decision) => this.#record(decision)) : finding;
      for (const link of staging.links) this.#outletOf(link).finding(link, dated);
    }
    if (staging.ended && staging.watermark.time !== Infinity) {
      if (this.#keepsHorizon) await this.#record({ type: 'end', source: staging.name });
      staging.watermark.advance(Infinity);
      this.#tellWatermark(staging, Infinity);
      staging.over.resolve();
      for (const other of this.#sources) if ((other === staging ? staging.planned.teaches : other.before.includes(staging)) && other.present) this.#tellPresent(other, false);
    }
    await this.#flush();
  }

  /** Idle advances that a run before a crash made after as many rows as have been sent now. */
  async #decideAgain(staging: Staging): Promise<void> {
    while (staging.decided.length > 0 && staging.decided[0]!.rows <= staging.rows) {
      const decision = staging.decided.shift()!;
      this.#journal?.repeated(decision);
      await this.#advance(staging, decision.watermark);
    }
  }

  /** Before a watermark is told. */
  async #reach(time: Time): Promise<void> {
    const decision = this.#keepsHorizon ? this.#horizon.before(time) : undefined;
    if (decision !== undefined) await this.#record(decision);
  }

  /** Event time stands where the disk takes no decision any more, not even by what was laid by for it. */
  async #record(decision: Decision): Promise<void> {
    while ((await this.#journal?.record(decision)) === false) {
      await pause(this.#signal.timers, RECORD_AGAIN_MS, this.#abort.signal);
      if (this.#abort.signal.aborted) throw new Error('the journal could not be written up to the end');
    }
  }

  /** Whoever waits goes on where the others end: its watermark is where it would be had it given their rows itself. */
  async #followPast(time: Time): Promise<void> {
    for (const staging of this.#sources) if (staging.waits) await this.#advance(staging, staging.watermark.before(time));
  }

  async #advance(staging: Staging, watermark: Time): Promise<void> {
    await this.#reach(watermark);
    if (staging.watermark.advance(watermark)) this.#tellWatermark(staging, watermark);
  }

  #tellPresent({ links }: Staging, again: boolean): void {
    if (this.#learns) for (const link of links) if (link.to.kind !== 'sink') this.#outletOf(link).present(link, again);
  }

  #tellWatermark(staging: Staging, time: Time): void {
    for (const link of staging.links) this.#outletOf(link).watermark(link, time);
  }

  #outletOf(link: Link): Outlet {
    return this.#outlets.find((outlet) => outlet.wire.links.includes(link.id))!;
  }

  /** New series go to all threads before any of their rows. False: there are none. */
  async #announce(): Promise<boolean> {
    const announcement = this.#directory.announce();
    if (announcement === undefined) return false;
    this.#names.learn(announcement);
    for (const control of this.#controls) control.send({ type: 'names', announcement });
    await this.#flush();
    return true;
  }

  /** Hands over; waits while the shards or sinks have no room. */
  async #flush(): Promise<void> {
    for (;;) {
      const seen = this.#signal.rings();
      for (const control of this.#controls) control.flush();
      for (const outlet of this.#outlets) outlet.handOver();
      if (!this.#controls.some((c) => c.blocked) && !this.#outlets.some((o) => o.blocked)) return this.#wakeUp.soon();
      for (const outlet of this.#outlets) outlet.wake();
      if (this.#broken) throw new Error('the graph is being closed');
      await this.#signal.waitAsync(seen, WAIT_MS);
    }
  }

  /** Looks from time to time which live sources are silent. */
  async #watchIdle(live: readonly Staging[]): Promise<void> {
    while (live.some((s) => !s.ended) && !this.#abort.signal.aborted) {
      await pause(this.#signal.timers, IDLE_LOOK_MS, this.#abort.signal);
      await this.#pass(async () => {
        this.#idle.look();
        await this.#moveIdle();
        await this.#flush();
      });
    }
  }

  /** Silent sources go on with the clock and the others: it is in the journal before it is told. */
  async #moveIdle(): Promise<void> {
    const decide = async ({ staging, watermark }: Move): Promise<boolean> => (await this.#journal?.record({ type: 'idle', source: staging.name, rows: staging.rows, watermark })) !== false;
    const moves = this.#idle.moves();
    const decided = await Promise.all(moves.map(decide));
    for (const [i, { staging, watermark }] of moves.entries()) {
      // Not written, not decided: it is looked at again.
      if (!decided[i]!) continue;
      await this.#advance(staging, watermark);
    }
  }
}

const RUNS_A_PASS = 64;
const BREATH_MS = 2;
const WAIT_MS = 1_000;
const RECORD_AGAIN_MS = 1_000;
const IDLE_LOOK_MS = 1_000;
const DRIFT_LOOK_MS = 20;
