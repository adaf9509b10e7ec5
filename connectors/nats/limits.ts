/** Every bound of the NATS connector, each with its reason. */

/**
 * Bytes of messages between the client's thread and the source's, and so bytes asked of JetStream at once: a few
 * milliseconds of the fastest publisher, which hides the way to the server and back.
 */
export const WINDOW_BYTES = 8 * 1024 * 1024;

/** Messages are handed over in buffers of this size: some dozen a millisecond at most, each a wake-up. */
export const BUFFER_BYTES = 256 * 1024;

/**
 * Young generation of the client's thread, MB. What a socket reads counts as 64 KB outside of the heap until the few objects around it are
 * collected; where that is seldom, V8 marks the whole heap for every 64 MB read, which took a sixth of all processor time.
 */
export const YOUNG_MB = 4;

/** Messages asked of JetStream at once: the bytes are the bound, unless the messages are tiny. */
export const PULL_MESSAGES = 100_000;

/** Subjects whose shed messages are counted by themselves, the others together: each is a counter in /metrics. */
export const SHED_SUBJECTS = 100;

/** A payload after decompression at most: as much as NATS itself takes in one message. */
export const MAX_PAYLOAD = 64 * 1024 * 1024;

/**
 * Ids of messages in each of two generations at most, 16 bytes each: 64 MB in all. At 15,000 messages
 * a second, as many as a stream on disk takes, that is 140 s at least, longer than the two minutes of a server.
 */
export const REMEMBERED_IDS = 2_097_152;

/**
 * A publisher unheard for so many messages of the stream is forgotten with its dictionary, as what it announced must
 * be read again after a restart.
 */
export const SILENT_MESSAGES = 262_144;

/** Messages to be published that wait for the server to take them, and their bytes. */
export const PUBLISHING = 4_096;
export const PUBLISHING_BYTES = 8 * 1024 * 1024;

/** Delay before another attempt, to connect or to find the stream: the first, and the longest, each ±50 %. */
export const RETRY_FIRST_MS = 250;
export const RETRY_LONGEST_MS = 10_000;

/** How long an answer of the server may take. */
export const ANSWER_MS = 5_000;

/** A connection is asked for a sign of life so often; without two of them it is given up. */
export const PING_MS = 5_000;

/** JetStream says so often that it has nothing; after four of them unheard it is taken to have forgotten us. */
export const HEARTBEAT_MS = 1_000;

/** How long after messages were lost the source calls itself degraded. */
export const DEGRADED_MS = 600_000;

/** How often a warning about the same thing is repeated. */
export const WARN_EVERY_MS = 60_000;

/** Rows of a node become a payload of at most so many and of about this size, well below the 1 MB that a server takes unless told otherwise. */
export const PAYLOAD_ROWS = 8_192;
export const PAYLOAD_BYTES = 512 * 1024;

/** Series of a node whose encoded names are kept, some hundred bytes each. */
export const KNOWN_SERIES = 262_144;

/** Taken from the spool at once, and published without waiting for a confirmation: enough for the way to the server and back. */
export const SEND_BYTES = 4 * 1024 * 1024;
export const IN_FLIGHT = 512;

/** A spool that small would have little room beside one segment of its files. */
export const SPOOL_LEAST = 64 * 1024 * 1024;
