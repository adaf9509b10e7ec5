import { hash32 } from '../../engine/random.js';
import type { Columns, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, findingOf, QUIET } from '../anomaly/episode.js';
import type { Config, State } from './config.js';
import { explainAdapted, explainClosed, explainOutside, type Part, type Told } from './explain.js';
import { emptyKept, restoreKept, saveKept, type Kept } from './history.js';
import { ADAPTED, forgetHalf, highestScore, judge, type Rules, type Verdict } from './judge.js';
import { contributions, expectedOf, lessonOf, readModel, type Lesson, type Model } from './model.js';

export type Column = 'score' | 'raw' | 'expected' | 'lower' | 'upper';


/** Of the numbers of a vector, a finding names at most so many, which make at least this share of the forest score. */
const NAMED = 3;
const LEAST_SHARE = 0.1;
/** Share of the last vectors among the most unusual tenth at which the forest is out of date. */
const DRIFTED = 0.5;

/** What a finding has besides the explanation. */
export interface Band {
  /** What stands for the vector; NaN: the forest score. */
  readonly value: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
}

/** What forests of series and of groups have in common: what is kept, when a forest is asked for, and what is said of a vector. */
export class Follower {
  readonly config: Config;
  readonly context: OperatorContext;
  readonly verdict: Verdict = { raw: 0, score: 0, edge: 0, change: QUIET, severity: 0 };
  readonly #rules: Rules;
  readonly #kept = new Map<number, Kept>();

  constructor(config: Config, context: OperatorContext) {
    this.config = config;
    this.context = context;
    this.#rules = { opens: config.for, most: config.for, calm: config.close, closes: config.close_for, sensitivity: config.sensitivity, adapts: config.adapt };
  }

  kept(slot: number): Kept | undefined {
    return this.#kept.get(slot);
  }

  /** @param ring numbers of its ring, `recent` of its last values */
  keptOr(slot: number, ring: number, recent: number): Kept {
    let kept = this.#kept.get(slot);
    if (kept === undefined) this.#kept.set(slot, (kept = emptyKept(ring, recent)));
    return kept;
  }

  save(slot: number): Uint8Array | undefined {
    const kept = this.#kept.get(slot);
    return kept === undefined ? undefined : saveKept(kept);
  }

  restore(slot: number, saved: Uint8Array): void {
    this.#kept.set(slot, restoreKept(saved));
  }

  release(slot: number): void {
    this.#kept.delete(slot);
  }

  /** A forest is wanted: there is none, it is old, or the stream has drifted from it. `changed`: it is of other members. */
  isDue(slot: number, { model, count }: Kept, changed: boolean, { since, asking, drift }: Columns<State>): boolean {
    const { warmup, retrain } = this.config;
    if (asking[slot] !== 0) return false;
    if (model === undefined) return count >= warmup;
    // Young, when there are twice as many as it was trained on.
    return since[slot]! >= Math.max(warmup, Math.min(retrain, model.vectors)) || (since[slot]! >= warmup && (changed || drift[slot]! > DRIFTED));
  }

  ask(slot: number, time: number, lesson: Pick<Lesson, 'members' | 'shingles'>, numbers: Float64Array, state: Columns<State>, out: Output<Column>): void {
    const { trees, sample, train } = this.config;
    const asked = state.asked[slot]! + 1;
    const seed = hash32(`${this.context.names.text(slot)}\0${asked}`, this.context.seed);
    state.asked[slot] = asked;
    state.asking[slot] = 1;
    state.since[slot] = 0;
    out.ask(slot, 'train', lessonOf({ ...lesson, seed, trees, sample }, numbers), time + train);
  }

  learn(slot: number, answer: Uint8Array, state: Columns<State>): void {
    const kept = this.#kept.get(slot);
    const wanted = state.asking[slot] === 1;
    state.asking[slot] = 0;
    if (kept === undefined || !wanted) return;
    kept.model = readModel(answer);
    forgetHalf(state, slot);
    state.drift[slot] = 0;
  }

  /** Judges a vector, tells what opens, grows and closes; whether history should take it in. */
  judge(slot: number, time: number, kept: Kept, model: Model, vector: Float64Array, of: (raw: number, edge: number) => Band, names: readonly string[], state: Columns<State>, out: Output<Column>): boolean {
    const { verdict } = this;
    judge(state, slot, time, model, vector, of(0, 0).value, this.#rules, verdict);
    if (verdict.change !== QUIET) this.#tell(slot, time, model, vector, of(verdict.raw, verdict.edge), names, state, out);
    if (verdict.change === ADAPTED) {
      kept.count = 0;
      kept.model = undefined;
      state.since[slot] = 0;
      if (state.asking[slot] !== 0) state.asking[slot] = 2;
    }
    return state.severity[slot] === 0;
  }

  #tell(slot: number, time: number, model: Model, vector: Float64Array, { value: _value, ...band }: Band, names: readonly string[], state: Columns<State>, out: Output<Column>): void {
    const { raw, edge, change, severity } = this.verdict;
    const shares = contributions(model, vector, raw);
    const parts = names
      .map((name, i): Part => ({ name, value: vector[i]!, ...expectedOf(model, vector, i), share: shares[i]! }))
      .filter(({ share }) => share >= LEAST_SHARE)
      .toSorted((a, b) => b.share - a.share)
      .slice(0, NAMED);
    const { node, names: texts } = this.context;
    const told: Told = { series: texts.text(slot), raw, highest: state.highest[slot]!, median: model.median, edge, vectors: model.vectors, parts };
    const after = formatDuration(time - state.openedAt[slot]!);
    const explanation = change === CLOSED ? explainClosed(told, after) : change === ADAPTED ? explainAdapted(told, state.outside[slot]!, after) : explainOutside(told);
    const value = state.furthest[slot]!;
    out.finding(
      findingOf(node, texts.series(slot), state, slot, change === ADAPTED ? CLOSED : change, severity, time, {
        explanation,
        value,
        ...band,
        score: highestScore(state, slot, model),
        confidence: model.vectors / (model.vectors + this.config.warmup),
        direction: value < band.expected ? 'down' : 'up',
      }),
    );
  }
}
