package peer;

import java.util.Set;

/** The command line that all engines of the benchmarks share: {@code W1 --samples N --series S --threads T --jobs J}. */
public record Options(String workload, long samples, int series, int threads, int jobs) {
  public static Options parse(String[] args, Set<String> workloads) {
    if (args.length == 0 || !workloads.contains(args[0])) throw new IllegalArgumentException("first argument: one of " + workloads);
    boolean latency = args[0].equals("W4");
    long samples = args[0].equals("W2") || latency ? 2_000_000 : 20_000_000;
    int series = args[0].equals("W2") ? 1_000 : 10_000;
    int threads = 1;
    int jobs = latency ? 1 : 2;
    for (int at = 1; at < args.length; at += 2) {
      if (at + 1 == args.length) throw new IllegalArgumentException(args[at] + " wants a number");
      long number = Long.parseLong(args[at + 1]);
      if (number < 1) throw new IllegalArgumentException(args[at] + " wants a number of at least 1");
      switch (args[at]) {
        case "--samples" -> samples = number;
        case "--series" -> series = Math.toIntExact(number);
        case "--threads" -> threads = Math.toIntExact(number);
        case "--jobs" -> jobs = Math.toIntExact(number);
        default -> throw new IllegalArgumentException("no such option: " + args[at]);
      }
    }
    return new Options(args[0], samples, series, threads, jobs);
  }

  /** Length of the workload's windows, ms. */
  public long windowMs() {
    return switch (workload) {
      case "W2" -> 60_000;
      case "W4" -> 1_000;
      default -> 10_000;
    };
  }

  /** How far apart windows begin, ms. */
  public long slideMs() {
    return workload.equals("W2") ? 1_000 : windowMs();
  }
}
