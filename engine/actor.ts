import { allocateBatch, type Batch } from './batch.js';
import type { Channel } from './channel.js';
import type { LocalSource, Position } from './connector.js';
import { findingsOf, MessageKind } from './message.js';
import type { ThreadNames } from './names.js';
import type { Outlet } from './outlet.js';
import type { Plan, PlannedActor, Wire } from './plan.js';
import type { SavedStage, Stage } from './stage.js';

/** One channel that an actor reads: of the intake, or of a shard's actor. */
export interface Inlet {
  readonly channel: Channel;
  readonly wire: Wire;
  /** The shard that sends; 0 for the intake. */
  readonly shard: number;
}

/** What an actor hands over at a barrier. */
export interface SavedActor {
  readonly actor: number;
  readonly shard: number;
  readonly checkpoint: number;
  readonly stages: readonly SavedStage[];
  /** Positions of the source it reads itself, by partition. */
  readonly local: readonly (readonly [number, Position])[] | undefined;
}

/** What became of a turn. */
export type Turn = 'worked' | 'nothing' | 'blocked';

interface Mailbox extends Inlet {
  /** Its barrier has come, the others' have not: it waits. */
  aligned: boolean;
  ended: boolean;
  /** Where the links of a wire with a channel from each shard lead; else empty. */
  readonly targets: readonly { readonly stage: Stage; readonly port: number }[];
}

function isAhead({ targets, shard }: Mailbox): boolean {
  for (const { stage, port } of targets) if (stage.isAhead(port, shard)) return true;
  return false;
}

/**
 * One chain of operators on one shard. A turn takes one message, or one step of catching up with a
 * watermark, and no turn is taken while an outlet waits for credit: so operators never see
 * backpressure, and it reaches back to the sources by the channels alone.
 */
export class Actor {
  readonly #mailboxes: Mailbox[];
  readonly #names: ThreadNames;
  /** Slots to release at a barrier, by its number. */
  readonly #releases = new Map<number, readonly number[]>();
  #next = 0;
  #barrier = -1;
  #local: { source: LocalSource; count: (rows: number) => void; batch: Batch; filled: boolean; aligned: boolean; ended: boolean } | undefined;
  /** Where the rows of the source read here go. */
  readonly #localTargets: readonly { stage: Stage; port: number }[];
  /** By node. */
  readonly #byNode: Stage[] = [];
  #done = false;
  /** The checkpoints that it saved for last, and that is known to come. */
  #saved = -1;
  #expected = -1;

  constructor(
    readonly planned: PlannedActor,
    readonly plan: Plan,
    readonly shard: number,
    names: ThreadNames,
    /** In topological order. */
    readonly stages: readonly Stage[],
    inlets: readonly Inlet[],
    readonly outlets: readonly Outlet[],
    readonly live: boolean,
    readonly saved: (saved: SavedActor) => void,
    /** Takes in the directory's announcements; called after a message is seen and before it is read. */
    readonly catchUp: () => void,
  ) {
    this.#names = names;
    for (const stage of stages) this.#byNode[stage.node.index] = stage;
    this.#mailboxes = inlets.map((inlet) => ({ ...inlet, aligned: false, ended: false, targets: this.#targetsOf(inlet.wire) }));
    this.#localTargets = stages.flatMap((stage) => stage.node.inputs.flatMap((input, port) => (input.kind === 'local' ? [{ stage, port }] : [])));
  }

  /** The source that this actor reads itself. @param count counts its rows */
  read(source: LocalSource, count: (rows: number) => void): void {
    this.#local = { source, count, batch: allocateBatch([]), filled: false, aligned: false, ended: false };
  }

  /** The barrier of a checkpoint is on its way: it is here already for the source that the actor reads itself. */
  expect(checkpoint: number): void {
    this.#expected = checkpoint;
    if (this.#done) this.#saveAtEnd();
    else if (this.#local !== undefined && !this.#local.ended) {
      this.#local.aligned = true;
      this.#barrier = checkpoint;
    }
  }

  releaseAt(checkpoint: number, slots: readonly number[]): void {
    this.#releases.set(checkpoint, slots);
  }

  /** Every inlet has ended, and everything has left. */
  get done(): boolean {
    return this.#done && !this.#blocked;
  }

  turn(): Turn {
    if (this.#blocked) {
      this.flush();
      if (this.#blocked) return 'blocked';
    }
    const turn = this.#done ? 'nothing' : this.#act();
    if (turn !== 'worked') this.flush();
    return turn;
  }

  /** Hands over what its outlets have gathered and wakes who gets it: when there is no more work, or from time to time. */
  flush(): void {
    for (const outlet of this.outlets) outlet.flush();
  }

  get #blocked(): boolean {
    for (const outlet of this.outlets) if (outlet.blocked) return true;
    return false;
  }

  #act(): Turn {
    // The last first: what is told at one watermark has gone all the way before the next, also where a stage makes several of one.
    for (let i = this.stages.length - 1; i >= 0; i--) {
      const stage = this.stages[i]!;
      if (!stage.behind) continue;
      // What it waits for, an answer of the training pool, comes by itself: no other mail may overtake it.
      return stage.step(this.live) === 'waits' ? 'nothing' : 'worked';
    }
    if (this.#align()) return 'worked';
    if (this.#readLocal()) return 'worked';
    for (let i = 0; i < this.#mailboxes.length; i++) {
      const mailbox = this.#mailboxes[(this.#next + i) % this.#mailboxes.length]!;
      if (mailbox.aligned || mailbox.ended || this.#held(mailbox)) continue;
      const frame = mailbox.channel.peek();
      if (frame === undefined) continue;
      this.#next = (this.#next + i + 1) % this.#mailboxes.length;
      this.catchUp();
      this.#take(mailbox);
      return 'worked';
    }
    return 'nothing';
  }

  #take(mailbox: Mailbox): void {
    const { channel } = mailbox;
    const frame = channel.peek()!;
    switch (frame.kind) {
      case MessageKind.rows: {
        const link = this.plan.links[frame.link]!;
        const batch = frame.batch(link.columns);
        const looked = link.route === 'group' || link.route === 'one';
        for (const { node, port } of link.targets) this.#stage(node).push(batch, port, mailbox.shard, looked);
        break;
      }
      case MessageKind.findings: {
        const bytes = channel.collect(frame);
        if (bytes === undefined) break;
        const { targets } = this.plan.links[frame.link]!;
        for (const finding of findingsOf(bytes)) for (const { node, port } of targets) this.#stage(node).receive(finding, port, mailbox.shard);
        break;
      }
      case MessageKind.watermark:
        for (const { node, port } of this.plan.links[frame.link]!.targets) this.#stage(node).setWatermark(port, mailbox.shard, frame.number);
        break;
      case MessageKind.present:
        for (const { node, port } of this.plan.links[frame.link]!.targets) this.#stage(node).setPresent(port, mailbox.shard, frame.number === 1);
        break;
      case MessageKind.barrier:
        mailbox.aligned = true;
        this.#barrier = frame.number;
        break;
      case MessageKind.end:
        mailbox.ended = true;
        break;
      case MessageKind.series:
      case MessageKind.answer:
        throw new Error('series and answers come by the control channel');
      default:
        frame.kind satisfies never;
    }
    channel.release();
  }

  /**
   * It is ahead of other shards of the same sender, by a watermark: what it brings waits for them. So rows and
   * watermarks come in the order that one shard would have sent them in, and no operator can see how many
   * there are. Nobody is waited for who waits for a barrier, or is ahead himself in another link.
   */
  #held(mailbox: Mailbox): boolean {
    if (mailbox.targets.length === 0 || !isAhead(mailbox)) return false;
    for (const other of this.#mailboxes) if (other.wire === mailbox.wire && !other.aligned && !other.ended && !isAhead(other)) return true;
    return false;
  }

  #targetsOf({ from, links }: Wire): { stage: Stage; port: number }[] {
    if (from === undefined || this.plan.shards === 1) return [];
    return links.flatMap((id) => this.plan.links[id]!.targets.map(({ node, port }) => ({ stage: this.#stage(node), port })));
  }

  #stage(node: number): Stage {
    return this.#byNode[node]!;
  }

  /** When every inlet has brought the barrier: saves, and hands it on. When every one has ended: ends. */
  #align(): boolean {
    let open = false;
    for (const mailbox of this.#mailboxes) {
      if (!mailbox.ended && !mailbox.aligned) return false;
      open ||= !mailbox.ended;
    }
    const local = this.#local;
    if (local !== undefined && !local.ended) {
      // What has been filled belongs to the position, so it goes before the barrier.
      if (!local.aligned || local.filled) return false;
      open = true;
    }
    if (!open) {
      for (const outlet of this.outlets) outlet.end();
      this.#done = true;
      this.#saveAtEnd();
      return true;
    }
    this.catchUp();
    this.#save(this.#barrier);
    for (const outlet of this.outlets) outlet.barrier(this.#barrier);
    for (const mailbox of this.#mailboxes) mailbox.aligned = false;
    if (local !== undefined) local.aligned = false;
    return true;
  }

  /** Where nothing comes any more, no barrier comes by a channel. */
  #saveAtEnd(): void {
    if (this.#expected > this.#saved) this.#save(this.#expected);
  }

  #save(checkpoint: number): void {
    this.#saved = checkpoint;
    const released = this.#releases.get(checkpoint);
    if (released !== undefined) for (const stage of this.stages) stage.release(released);
    this.#releases.delete(checkpoint);
    const blocks = this.#names.blocksOf(this.shard);
    this.saved({
      actor: this.planned.id,
      shard: this.shard,
      checkpoint,
      stages: this.stages.map((stage) => stage.save(blocks)),
      local: this.#local === undefined ? undefined : [...this.#local.source.positions()],
    });
  }

  /** The source read here: its watermark goes before its rows. */
  #readLocal(): boolean {
    const local = this.#local;
    if (local === undefined || local.ended || (local.aligned && !local.filled)) return false;
    const { source, count, batch } = local;
    if (local.filled) {
      local.filled = false;
      count(batch.length);
      for (const { stage, port } of this.#localTargets) stage.push(batch, port, 0, false);
      return true;
    }
    const watermark = source.fill(batch);
    if (watermark === 'ended') local.ended = true;
    else local.filled = true;
    for (const { stage, port } of this.#localTargets) stage.setWatermark(port, 0, watermark === 'ended' ? Infinity : watermark);
    return true;
  }
}
