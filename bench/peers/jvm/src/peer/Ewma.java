package peer;

/** Exponentially weighted mean and variance of one series (W3). */
public final class Ewma {
  private static final double ALPHA = 0.05;

  public int seen;
  public double mean;
  public double variance;

  /** |z| of a value before it is learnt where that is over 3, else 0. */
  public double learn(double value) {
    double d = value - mean;
    double z = seen >= 10 && variance > 0 && d * d > 9 * variance ? Math.abs(d) / Math.sqrt(variance) : 0;
    mean += ALPHA * d;
    variance = (1 - ALPHA) * (variance + ALPHA * d * d);
    seen += 1;
    return z;
  }
}
