/** Bounds of the live sink, each with its reason; `docs/live-protocol.md` tells them to clients. */

/** Sockets at once: each takes a file descriptor, about 5 kB, and what waits for it. */
export const MAX_SOCKETS = 20_000;

/** Subscriptions of one socket: a dashboard has about one a chart. */
export const MAX_SUBSCRIPTIONS = 16;

/** Bad messages until a socket is closed: it is not a client of this protocol. */
export const MAX_BAD_MESSAGES = 100;

/** Series that one subscription follows: more can't be drawn, and each costs an entry a subscription. */
export const MAX_SERIES = 2_000;

/** Rows of a ring: five minutes at a row a second, and some more. A ring begins small and doubles. */
export const RING_ROWS = 512;
export const FIRST_RING_ROWS = 8;

/** Rows of one snapshot, and of one frame: a frame of 5,000 rows is about 300 kB. */
export const SNAPSHOT_ROWS = 20_000;
export const FRAME_ROWS = 5_000;

/** Between two messages of rows to one subscription: smooth to the eye, and few enough to parse on a phone. */
export const TICK_MS = 100;

/** Closed findings in a snapshot besides the open ones. */
export const SNAPSHOT_FINDINGS = 100;

/** Findings of one message. */
export const FRAME_FINDINGS = 100;

/** Bytes waiting for a socket above which nothing more is given to it; rows coalesce then, findings wait. */
export const HIGH_BYTES = 256 * 1024;

/** Bytes waiting for all sockets together: where there are many, each has its part of it. */
export const WAITING_BYTES = 256 * 1024 * 1024;

/** A subscriber of findings that takes nothing for so long is closed. */
export const SLOW_MS = 30_000;

/** A subscription whose filter lets nothing pass is told its position in this interval. */
export const PROGRESS_MS = 15_000;

/** Findings on their way to the disk: past it the graph waits. */
export const PENDING_FINDINGS = 10_000;

/** Findings that a replay may send again are known even past `retain`, up to so many. */
export const PROTECTED_FINDINGS = 100_000;

/** Open findings on the board; the oldest are left out past it. */
export const OPEN_FINDINGS = 10_000;

/** The log is rewritten when it is longer than this and than twice what is retained; the hard bound is never reached then. */
export const LOG_REWRITE_BYTES = 32 * 1024 * 1024;
export const LOG_BYTES = 1024 * 1024 * 1024;
