package flink;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import peer.Options;
import peer.Run;

/** Runs a workload as jobs of Flink, each on a local cluster of its own: {@code flink|flink-chained W1 --samples N ...}. */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    String engine = args[0];
    Options options = Options.parse(Arrays.copyOfRange(args, 1, args.length), Set.of("W1", "W2", "W3", "W4"));
    Map<String, String> versions = Map.of("flink", EnvironmentInformation.getVersion(), "java", System.getProperty("java.version"));
    for (int job = 0; job < options.jobs(); job++) {
      Run run = Run.start(options);
      StreamExecutionEnvironment local = StreamExecutionEnvironment.createLocalEnvironment(options.threads(), configuration(options));
      long frameMs = options.slideMs();
      WatermarkStrategy<Sample> watermarks = options.workload().equals("W3") ? WatermarkStrategy.noWatermarks() : WatermarkStrategy.forGenerator(context -> new FrameWatermarks(frameMs));
      DataStream<Sample> samples = local.fromSource(new SampleSource(), watermarks, "samples");
      DataStream<?> results = switch (engine) {
        case "flink" -> WindowApi.of(options, samples);
        case "flink-chained" -> Chained.of(options, samples);
        default -> throw new IllegalArgumentException("first argument: flink or flink-chained");
      };
      tally(results);
      local.execute();
      System.out.println(run.outcome(engine, versions));
    }
  }

  private static <T> void tally(DataStream<T> results) {
    results.sinkTo(new TallySink<>());
  }

  /** For speed: records are reused between operators and buffers of the network sent when full. For latency (W4): buffers are sent at once. */
  private static Configuration configuration(Options options) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ZERO);
    if (options.workload().equals("W4")) configuration.set(ExecutionOptions.BUFFER_TIMEOUT, Duration.ofMillis(1));
    else configuration.set(ExecutionOptions.BUFFER_TIMEOUT_ENABLED, false);
    return configuration;
  }
}
