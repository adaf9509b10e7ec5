/** Bounds of the questdb sink, each with its reason. */

/** Rows of a table become a record of the spool at this size: some ten thousand rows, where a request costs little beside its rows. */
export const RECORD_BYTES = 1024 * 1024;

/**
 * Records of one request, about, where so much waits: half of what the spool has in memory, so that the next are encoded meanwhile. Of rows
 * that don't come in order of time QuestDB merges what overlaps the request before: 200,000 at once cost it two thirds of what 50,000 do each.
 */
export const SEND_BYTES = 16 * 1024 * 1024;

/** Records whose memory is kept for the next ones: those of a request. */
export const FREE_RECORDS = SEND_BYTES / RECORD_BYTES;

/** An answer that takes longer will not come: the request is made again. The largest one takes some tenths of a second. */
export const REQUEST_MS = 60_000;

/** A QuestDB that takes nothing for so long, some requests, is not waited for by a replay: what is encoded goes to disk. */
export const PATIENCE_MS = 1_000;

/** Pauses between two tries: the first, doubled up to the longest, which is also how long a store that came back is not noticed. */
export const RETRY_FIRST_MS = 100;
export const RETRY_LONGEST_MS = 5_000;

/** How often rows are tried again at once where a table or column turns out to be gone; then with pauses. */
export const TRIES_AFTER_CHANGE = 3;

/** How often suspended tables are looked for, at most: a query of a millisecond. */
export const WATCH_MS = 1_000;

/** Of a piece that has a refused row, so many rows are sent at first, then twice as many each time all are taken. */
export const ROWS_AFTER_REFUSAL = 64;

/** Label columns of a table: each is two files a day, and a dictionary in the server's memory. */
export const LABEL_COLUMNS = 32;

/** Series of a table whose encoded beginnings are kept: as many as a shipped graph may have, up to so many bytes. */
export const KNOWN_SERIES = 1_048_576;
export const KNOWN_BYTES = 128 * 1024 * 1024;

/** Findings whose highest revision is remembered: more than are open at a time. */
export const KNOWN_FINDINGS = 65_536;

/** How often a warning about the same thing is repeated, at most. */
export const WARN_EVERY_MS = 60_000;

/** Rows and findings of one answer of the history at most: as objects they take about a tenth of a second of this thread. */
export const MOST_ROWS = 100_000;
export const MOST_FINDINGS = 10_000;

/** Connections that read, and queries that wait for one; past it they are refused. */
export const READ_CONNECTIONS = 2;
export const WAITING_READS = 64;
