package peer;

/** What a window of a series comes to. @param end of the window, ms since the epoch, exclusive; @param deviation population standard deviation, 0 where it isn't asked for */
public record WindowResult(long end, long count, double mean, double deviation) {}
