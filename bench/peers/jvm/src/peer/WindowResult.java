package peer;

/**
 * What a window of a series comes to.
 *
 * @param deviation population standard deviation
 */
public record WindowResult(long count, double mean, double deviation) {}
