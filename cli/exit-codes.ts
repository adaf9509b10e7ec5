/** What the command line ends with. */
export const exitCodes = {
  ok: 0,
  /** The config or the command line is wrong: nothing was started. */
  usage: 1,
  /** It was right, and something went wrong while it ran. */
  failure: 2,
} as const;

export const exitCodesHelp = 'Exit codes: 0 done, 1 wrong config or command line, 2 failed while running.';

/** Stops a command with a message for a person, and a code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number;
  constructor(message: string, code: number = exitCodes.failure) {
    super(message);
    this.code = code;
  }
}
