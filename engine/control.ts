import { Frame, type Channel } from './channel.js';
import { MessageKind } from './message.js';
import type { Announcement } from './names.js';

/** What the main thread tells a shard beside the stream: it is read before every message of the stream. */
export type Control =
  | { readonly type: 'names'; readonly announcement: Announcement }
  /** These slots are released at the barrier of this checkpoint. */
  | { readonly type: 'release'; readonly checkpoint: number; readonly slots: readonly number[] }
  /** The checkpoint at which these were released is complete: their names and derivations are gone, and they may be given again. */
  | { readonly type: 'forget'; readonly slots: readonly number[] }
  /** The barrier, for sources that shards read themselves and actors that have come to their end. */
  | { readonly type: 'barrier'; readonly checkpoint: number }
  /** A training task's answer, base64, which takes effect at the watermark `due`. */
  | { readonly type: 'answer'; readonly node: number; readonly slot: number; readonly task: string; readonly asked: number; readonly due: number; readonly answer: string }
  | { readonly type: 'stop' };

/** The sending side; what finds no credit waits, in order. */
export class ControlSender {
  readonly #channel: Channel;
  readonly #waiting: Uint8Array[] = [];
  #sent = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get blocked(): boolean {
    return this.#waiting.length > 0;
  }

  send(control: Control): void {
    this.#waiting.push(Buffer.from(JSON.stringify(control)));
    this.flush();
  }

  flush(): void {
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting[0]!;
      const frame: Frame | undefined = this.#channel.claim();
      if (frame === undefined) break;
      const part = bytes.subarray(this.#sent, this.#sent + frame.bytes.length);
      frame.bytes.set(part);
      this.#sent += part.length;
      frame.head(MessageKind.series, -1, part.length, 0, this.#sent < bytes.length);
      this.#channel.publish();
      if (this.#sent < bytes.length) continue;
      this.#sent = 0;
      this.#waiting.shift();
    }
    this.#channel.ring();
  }
}

/** All that has come, in order. */
export function* receiveControl(channel: Channel): Generator<Control> {
  for (let frame = channel.peek(); frame !== undefined; frame = channel.peek()) {
    const bytes = channel.collect(frame);
    channel.release();
    if (bytes !== undefined) yield JSON.parse(Buffer.from(bytes).toString()) as Control;
  }
}
