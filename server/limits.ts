/** Every bound of the server, each with its reason. */

/** Head of a request (names and values of its headers): browsers send 1 to 4 KiB, proxies add a few. */
export const HEADER_BYTES = 16 * 1024;

/** Body of a request, decompressed, unless the route says otherwise. */
export const BODY_BYTES = 1024 * 1024;

/** Bytes of a too long body that are still taken, so that its sender reads the 413 and not a reset; past them the connection is cut. */
export const DISCARDED_BYTES = 8 * 1024 * 1024;

/** A body that takes longer is answered 408: a slow sender must not hold memory. */
export const BODY_TIMEOUT_MS = 30_000;

/** A head that takes longer is cut off. */
export const HEAD_TIMEOUT_MS = 10_000;

/** An idle connection is closed after this; longer than the scrape interval of most collectors. */
export const KEEP_ALIVE_MS = 75_000;

/** A WebSocket frame from a client: its messages are short. */
export const FRAME_BYTES = 64 * 1024;

/** Bytes waiting for one WebSocket, past which nothing is taken any more. Senders stop far below. */
export const SOCKET_BUFFER_BYTES = 8 * 1024 * 1024;

/** A WebSocket is pinged in this interval, and cut off when it has not answered by the next. */
export const PING_MS = 30_000;

/** A WebSocket that was closed has this long to take what is waiting and answer. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** How long `close` waits for requests under way and for sockets to go. */
export const GRACE_MS = 3_000;

/** Rows of one answer, and findings of one answer: a page of a browser draws fewer. */
export const ANSWER_ROWS = 10_000;
export const ANSWER_FINDINGS = 1_000;
