package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * One job, while it runs: when it began and ended, and what its sinks took. Engines serialise the parts of a
 * job, so these find the run they belong to in {@link #current}; engine and job share a virtual machine.
 */
public final class Run {
  private static volatile Run current;

  private final Options options;
  private final ConcurrentHashMap<Long, Long> closedAt = new ConcurrentHashMap<>();
  private final List<Ewma> states = new ArrayList<>();
  private final Tally total = new Tally(this);
  private long startMs;
  private long firstSample = Long.MAX_VALUE;
  private long lastResult = Long.MIN_VALUE;

  private Run(Options options) {
    this.options = options;
  }

  public static Run start(Options options) {
    current = new Run(options);
    return current;
  }

  public static Run current() {
    return current;
  }

  public Options options() {
    return options;
  }

  /** To be called by a source when it is about to make its first sample. */
  public synchronized Samples samples(int part, int parts) {
    if (!isPaced()) {
      firstSample = Math.min(firstSample, System.nanoTime());
      return new Samples(options, part, parts);
    }
    if (startMs == 0) {
      startMs = (System.currentTimeMillis() / 1_000 + 1) * 1_000;
      firstSample = System.nanoTime() + (startMs - System.currentTimeMillis()) * 1_000_000;
    }
    return new PacedSamples(options, part, parts, startMs);
  }

  /** To be called by a source as it sends a watermark. Of several sources the last one closes windows. */
  public void watermark(long time) {
    if (!isPaced()) return;
    long now = System.nanoTime();
    closedAt.merge(Math.floorDiv(time, options.slideMs()) * options.slideMs(), now, Math::max);
  }

  /** To be called by a sink, or what holds state, at its end. */
  public synchronized void finished(Tally tally) {
    lastResult = Math.max(lastResult, System.nanoTime());
    total.add(tally);
  }

  /** Makes the state of one series (W3), which counts in the outcome as it is at the end of the job. */
  public synchronized Ewma learning() {
    Ewma state = new Ewma();
    states.add(state);
    return state;
  }

  boolean isPaced() {
    return options.workload().equals("W4");
  }

  /**
   * Notes the latency of a window's result. Windows that began before the first sample was due are left out, as
   * only early samples are in them and the machine has not compiled yet; so are those that the end of the samples
   * closed.
   */
  void latency(long end, Tally into) {
    Long sent = closedAt.get(end);
    if (sent == null || end <= startMs) return;
    long now = System.nanoTime();
    into.latencies.add(now - sent);
    into.sinceDue.add(now - (firstSample + (end + Samples.DISORDER_MS - startMs) * 1_000_000));
  }

  /** A line for the harness. */
  public synchronized String outcome(String engine, Map<String, String> versions) {
    states.forEach((state) -> total.learnt(state.mean, state.variance));
    StringBuilder line = new StringBuilder();
    line.append(String.format(Locale.ROOT, "{\"workload\":\"%s\",\"engine\":\"%s\",\"threads\":%d,\"samples\":%d,\"seconds\":%s", options.workload(), engine, options.threads(), options.samples(), (lastResult - firstSample) / 1e9));
    if (total.results > 0) line.append(",\"first_result_at\":").append(total.firstResultAt);
    line.append(",\"check\":{\"results\":").append(total.results);
    if (options.workload().equals("W3")) line.append(",\"z\":").append(total.z).append(",\"means\":").append(total.means).append(",\"variances\":").append(total.variances);
    else line.append(",\"counts\":").append(total.counts).append(",\"means\":").append(total.means);
    if (!options.workload().equals("W2") && !options.workload().equals("W3")) line.append(",\"deviations\":").append(total.deviations);
    line.append('}');
    if (total.latencies.count() > 0) {
      line.append(total.latencies.fields(",\"latency_ms\":{\"p50\":%f,\"p99\":%f,\"max\":%f,")).append("\"count\":").append(total.latencies.count()).append('}');
      line.append(total.sinceDue.fields(",\"further\":{\"since_due_p50_ms\":%f,\"since_due_p99_ms\":%f,\"since_due_max_ms\":%f}"));
    }
    return line.append(",\"versions\":").append(versions.entrySet().stream().sorted(Map.Entry.comparingByKey()).map((of) -> '"' + of.getKey() + "\":\"" + of.getValue() + '"').collect(Collectors.joining(",", "{", "}"))).append('}').toString();
  }
}
