/** Why bytes are no frame, as a sentence for the publisher, and where. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  /** Bytes from the beginning of the frame. */
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(`${reason}, at byte ${offset}`);
    this.offset = offset;
  }
}
