/** Bounds of sinks that write through a spool, each with its reason. */

/** What waits to become a record does so after this long, so that what comes slowly is seen soon. */
export const LINGER_MS = 200;

/** A store that is there gets what is left when the sink closes, for so long at most. The rest waits on disk for the next start. */
export const CLOSE_MS = 2_000;
