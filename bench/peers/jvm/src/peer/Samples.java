package peer;

/**
 * The samples of one source among several, made by formula, in order of arrival. Sample i: h = (i * 2654435761)
 * mod 2^32; series i mod S; time T0 + floor(i / S) s, every twentieth by h up to 5 s earlier; value
 * (h mod 1000) / 10. A source has a range of the series to itself, so a series keeps its order.
 */
public class Samples {
  public static final long T0 = 1_700_000_000_000L;
  public static final long DISORDER_MS = 5_000;

  public int series;
  public long time;
  public double value;
  /** The largest time so far; the watermark is {@link #DISORDER_MS} behind it. */
  public long largest = Long.MIN_VALUE;

  private final long samples;
  private final int allSeries;
  private final int from;
  private final int to;
  private long step;
  private int next;

  public Samples(Options options, int part, int parts) {
    samples = options.samples();
    allSeries = options.series();
    from = (int) ((long) allSeries * part / parts);
    to = (int) ((long) allSeries * (part + 1) / parts);
    next = from;
  }

  /** Makes the next sample; false at the end. */
  public final boolean next() {
    long i = index();
    if (i >= samples || from == to) return false;
    long h = i * 2_654_435_761L & 0xffff_ffffL;
    series = next;
    time = arrival(i, step);
    if (h % 20 == 0) time -= 1_000 * (1 + (i >>> 3) % 5);
    if (time > largest) largest = time;
    value = h % 1_000 / 10.0;
    next += 1;
    if (next == to) {
      next = from;
      step += 1;
    }
    return true;
  }

  /** Of the next sample. */
  protected final long index() {
    return step * allSeries + next;
  }

  /** The time of sample i if it is not one of those that are early, ms. */
  protected long arrival(long i, long step) {
    return T0 + step * 1_000;
  }

  /** Whether the next sample may be made now. */
  public boolean due() {
    return true;
  }
}
