/**
 * Every bound of the engine, each with its reason. Past a bound the system says so (a counter, a
 * warning, back pressure, a 429) instead of growing.
 */

/** Rows of a batch: long enough that the cost of a message vanishes, short enough to stay in the L2 cache and to keep a turn under a millisecond. */
export const BATCH_ROWS = 1024;

/** Slots of a block. A block belongs to one partition; 64 f64 are eight cache lines, so a small graph over 64 partitions touches little memory. */
export const BLOCK_SLOTS = 64;
export const BLOCK_SHIFT = 6;

/** Frames of a channel: 64 batches of rows in flight between two threads hide the wake-up of a sleeping one. */
export const CHANNEL_FRAMES = 64;

/** Slots of one `advance` at most: with one row for each they fill a batch, in well under a millisecond. */
export const ADVANCE_SLOTS = BATCH_ROWS;

/** Partitions of a graph unless it says otherwise; fixed when the graph is created. */
export const PARTITIONS = 64;

/** Series of a graph unless it says otherwise (`server.max_series`); about 200 bytes of names each at the intake. */
export const MAX_SERIES = 1_048_576;

/** A live sample further in the future than this is a dead letter: one wrong clock must not close everyone's windows. */
export const MAX_FUTURE_MS = 60_000;

/** Grid of generated watermarks: a source's watermark moves in these steps, so it depends on the samples alone and not on how they were batched. */
export const WATERMARK_STEP_MS = 1_000;

/** Event time that a source may be ahead of another that it meets where room is bounded: less than what there is room for. */
export const DRIFT_MS = MAX_FUTURE_MS;

/** A live source silent for this long no longer holds the others back, and its watermark follows the clock. */
export const IDLE_AFTER_MS = 5_000;

/** A series unseen for this long (event time) is forgotten, unless an operator keeps it longer. */
export const KEEP_SERIES_MS = 7 * 86_400_000;

/** Checkpoints kept: falling back from a damaged one must find another. */
export const CHECKPOINTS_KEPT = 3;

/** Bytes of a checkpoint that wait to be written: as many as one write gathers, so that the many small parts of a graph cost few writes. */
export const CHECKPOINT_AHEAD_BYTES = 8 * 1024 * 1024;

/** Rows of one node on one shard that wait for its other inputs, too late or too early by one of them; some 200 bytes each. Past it they wait no longer. */
export const ROWS_HELD = 65_536;

/** Findings one node may emit per partition and minute of event time; the rest is counted and summarised. */
export const FINDINGS_PER_MINUTE = 1_000;

/** Labels of a series and length of its canonical text: longer ones are refused, they are a mistake of the publisher. */
export const MAX_LABELS = 64;
export const MAX_SERIES_TEXT = 4_096;

/** Dead letters kept on disk, and bytes of payload kept of each. */
export const DEAD_LETTERS_KEPT = 10_000;
export const DEAD_LETTER_BYTES = 4_096;

/** Restarts of a crashed graph: first delay, longest delay, and how many in a row before it stays down. */
export const RESTART_FIRST_MS = 500;
export const RESTART_LONGEST_MS = 30_000;
export const RESTARTS_IN_A_ROW = 8;

/** Bytes of what a store has not taken yet, on disk, unless its sink says otherwise: hours of some thousand rows a second, a minute of a million. */
export const SPOOL_BYTES = 2 * 1024 ** 3;

/** Part of these that is in memory alone until a checkpoint: enough for a store that keeps up never to cost a write to disk between two. */
export const SPOOL_MEMORY_BYTES = 32 * 1024 * 1024;
