import type { Position } from '../../engine/connector.js';
import type { IdsPosition } from './recent-ids.js';
import type { Pass } from './thread-messages.js';

/** How far a stream is read, and from where on what came before must be looked at again. A type, as it is a position. */
export type StreamPosition = {
  readonly stream: string;
  /** When it was created. */
  readonly created: string;
  /** The last sequence read. */
  readonly sequence: number;
  /** The ids that are remembered. */
  readonly ids?: IdsPosition;
  /** The first message with a dictionary that later ones may refer to. */
  readonly dictionaries?: number;
};

/** As a checkpoint has it; undefined where it is none. */
export function streamPosition(position: Position | undefined): StreamPosition | undefined {
  const saved = (position ?? {}) as Partial<StreamPosition>;
  return typeof saved.stream === 'string' && typeof saved.created === 'string' && typeof saved.sequence === 'number' ? (saved as StreamPosition) : undefined;
}

/** What is read of the stream from a position on: what is new, and before that what must be known of the old. */
export function passesFrom({ sequence, ids, dictionaries }: StreamPosition): Pass[] {
  return [
    ...(ids === undefined ? [] : [{ kind: 'ids', start: { after: ids.from - 1 }, upTo: sequence } as const]),
    ...(dictionaries === undefined ? [] : [{ kind: 'dictionaries', start: { after: dictionaries - 1 }, upTo: sequence } as const]),
    { kind: 'new', start: { after: sequence } },
  ];
}
