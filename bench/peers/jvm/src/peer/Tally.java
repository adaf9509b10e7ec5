package peer;

import java.util.Arrays;

/** What one sink took: sums over all results. Of one thread at a time. */
public final class Tally {
  long results;
  long counts;
  double means;
  double deviations;
  double z;
  double variances;
  long firstResultAt = Long.MAX_VALUE;
  long[] latencies = new long[0];
  int latenciesTaken;

  private final Run run;

  public Tally(Run run) {
    this.run = run;
  }

  public void window(WindowResult result) {
    result();
    counts += result.count();
    means += result.mean();
    deviations += result.deviation();
    if (run.isPaced()) {
      long latency = run.sinceClosed(result.end());
      if (latency >= 0) latency(latency);
    }
  }

  public void outlier(double z) {
    result();
    this.z += z;
  }

  /** The state of a series at the end (W3). */
  public void learnt(double mean, double variance) {
    means += mean;
    variances += variance;
  }

  void add(Tally other) {
    results += other.results;
    counts += other.counts;
    means += other.means;
    deviations += other.deviations;
    z += other.z;
    variances += other.variances;
    firstResultAt = Math.min(firstResultAt, other.firstResultAt);
    for (int i = 0; i < other.latenciesTaken; i++) latency(other.latencies[i]);
  }

  private void result() {
    if (results == 0) firstResultAt = System.currentTimeMillis();
    results += 1;
  }

  private void latency(long nanos) {
    if (latenciesTaken == latencies.length) latencies = Arrays.copyOf(latencies, Math.max(1_024, 2 * latenciesTaken));
    latencies[latenciesTaken++] = nanos;
  }
}
