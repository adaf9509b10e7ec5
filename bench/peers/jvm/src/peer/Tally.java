package peer;

/** What one sink took: sums over all results. Of one thread at a time. */
public final class Tally {
  long results;
  long counts;
  double means;
  double deviations;
  double z;
  double variances;
  long firstResultAt = Long.MAX_VALUE;
  /** Since the watermark that closed the window was sent (W4). */
  final Latencies latencies = new Latencies();
  /** Since it was due. */
  final Latencies sinceDue = new Latencies();

  private final Run run;

  public Tally(Run run) {
    this.run = run;
  }

  /** @param end of the window, ms since the epoch, exclusive */
  public void window(long end, WindowResult result) {
    result();
    counts += result.count();
    means += result.mean();
    deviations += result.deviation();
    if (run.isPaced()) run.latency(end, this);
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
    latencies.add(other.latencies);
    sinceDue.add(other.sinceDue);
  }

  private void result() {
    if (results == 0) firstResultAt = System.currentTimeMillis();
    results += 1;
  }
}
