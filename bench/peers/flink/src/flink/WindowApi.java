package flink;

import java.time.Duration;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;
import peer.Ewma;
import peer.Moments;
import peer.Options;
import peer.Run;
import peer.WindowResult;

/** The workloads as Flink's manual has them: keyBy, event-time windows with an AggregateFunction, keyed state. */
final class WindowApi {
  private WindowApi() {}

  static DataStream<?> of(Options options, DataStream<Sample> samples) {
    KeyedStream<Sample, Integer> keyed = samples.keyBy(sample -> sample.series);
    if (options.workload().equals("W3")) return keyed.process(new Outliers());
    Duration size = Duration.ofMillis(options.windowMs());
    if (options.slideMs() == options.windowMs()) return keyed.window(TumblingEventTimeWindows.of(size)).aggregate(new Aggregate());
    return keyed.window(SlidingEventTimeWindows.of(size, Duration.ofMillis(options.slideMs()))).aggregate(new Aggregate());
  }

  private static final class Aggregate implements AggregateFunction<Sample, Moments, WindowResult> {
    @Override
    public Moments createAccumulator() {
      return new Moments();
    }

    @Override
    public Moments add(Sample sample, Moments window) {
      window.add(sample.value);
      return window;
    }

    @Override
    public WindowResult getResult(Moments window) {
      return window.result();
    }

    @Override
    public Moments merge(Moments one, Moments other) {
      one.add(other);
      return one;
    }
  }

  private static final class Outliers extends KeyedProcessFunction<Integer, Sample, Double> {
    private transient ValueState<Ewma> learnt;

    @Override
    public void open(OpenContext context) {
      learnt = getRuntimeContext().getState(new ValueStateDescriptor<>("learnt", Ewma.class));
    }

    @Override
    public void processElement(Sample sample, Context context, Collector<Double> out) throws Exception {
      Ewma state = learnt.value();
      if (state == null) state = Run.current().learning();
      double z = state.learn(sample.value);
      learnt.update(state);
      if (z != 0) out.collect(z);
    }
  }
}
