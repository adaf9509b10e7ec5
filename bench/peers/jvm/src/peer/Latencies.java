package peer;

import java.util.Arrays;
import java.util.Locale;

/** Latencies in nanoseconds, every one of them kept. */
final class Latencies {
  private long[] nanos = new long[1_024];
  private int count;

  void add(long latency) {
    if (count == nanos.length) nanos = Arrays.copyOf(nanos, 2 * count);
    nanos[count++] = latency;
  }

  void add(Latencies other) {
    for (int i = 0; i < other.count; i++) add(other.nanos[i]);
  }

  int count() {
    return count;
  }

  /** Fields of JSON: median, 99th percentile and maximum, ms; the format gets them in this order. */
  String fields(String format) {
    Arrays.sort(nanos, 0, count);
    return String.format(Locale.ROOT, format, quantile(.5), quantile(.99), quantile(1));
  }

  private double quantile(double q) {
    return nanos[Math.max(0, (int) Math.ceil(q * count) - 1)] / 1e6;
  }
}
