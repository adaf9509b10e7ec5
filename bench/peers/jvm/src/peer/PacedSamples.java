package peer;

/** Samples at a steady rate, stamped with the time of the wall clock at which each is due, from a whole second on. */
public final class PacedSamples extends Samples {
  public static final long PER_SECOND = 100_000;

  private final long startMs;
  private final long startNanos;

  /** @param startMs when the first sample is due, a whole second of the wall clock, ms since the epoch */
  public PacedSamples(Options options, int part, int parts, long startMs) {
    super(options, part, parts);
    this.startMs = startMs;
    startNanos = System.nanoTime() + (startMs - System.currentTimeMillis()) * 1_000_000;
  }

  @Override
  protected long arrival(long i, long step) {
    return startMs + i * 1_000 / PER_SECOND;
  }

  @Override
  public boolean due() {
    return System.nanoTime() - startNanos >= index() * (1_000_000_000 / PER_SECOND);
  }
}
