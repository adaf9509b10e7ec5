package jet;

import static com.hazelcast.jet.core.Edge.between;
import static com.hazelcast.jet.core.processor.Processors.accumulateByFrameP;
import static com.hazelcast.jet.core.processor.Processors.aggregateToSlidingWindowP;
import static com.hazelcast.jet.core.processor.Processors.combineToSlidingWindowP;
import static com.hazelcast.jet.core.processor.Processors.mapStatefulP;

import com.hazelcast.function.FunctionEx;
import com.hazelcast.function.SupplierEx;
import com.hazelcast.function.ToLongFunctionEx;
import com.hazelcast.jet.aggregate.AggregateOperation;
import com.hazelcast.jet.aggregate.AggregateOperation1;
import com.hazelcast.jet.core.DAG;
import com.hazelcast.jet.core.Partitioner;
import com.hazelcast.jet.core.Processor;
import com.hazelcast.jet.core.SlidingWindowPolicy;
import com.hazelcast.jet.core.TimestampKind;
import com.hazelcast.jet.core.Vertex;
import com.hazelcast.jet.datamodel.KeyedWindowResult;
import java.util.List;
import peer.Ewma;
import peer.Moments;
import peer.Options;
import peer.Run;
import peer.WindowResult;

/**
 * The workloads in Jet's Core API: its own processors, without the wrapper around each event that the Pipeline
 * API adds. Between threads, tumbling windows go as partial sums, made beside the source, and not as samples; a
 * frame of a sliding window has one sample, so that there is nothing to gain.
 */
final class Graphs {
  private Graphs() {}

  static DAG of(Options options) {
    return options.workload().equals("W3") ? outliers(options) : windows(options);
  }

  private static DAG windows(Options options) {
    SlidingWindowPolicy policy = SlidingWindowPolicy.slidingWinPolicy(options.windowMs(), options.slideMs());
    AggregateOperation1<Sample, Moments, WindowResult> moments = moments();
    FunctionEx<Sample, Integer> key = Sample::key;
    ToLongFunctionEx<Sample> time = Sample::time;
    DAG dag = new DAG();
    Vertex source = vertex(dag, options, "samples", SampleSource.every(options.slideMs()));
    Vertex windows;
    if (options.threads() > 1 && policy.isTumbling()) {
      FunctionEx<KeyedWindowResult<Integer, Moments>, Integer> keyOfPart = KeyedWindowResult::key;
      Vertex parts = vertex(dag, options, "parts", accumulateByFrameP(List.of(key), List.of(time), TimestampKind.EVENT, policy, moments));
      windows = vertex(dag, options, "windows", combineToSlidingWindowP(policy, moments, KeyedWindowResult::new));
      dag.edge(between(source, parts).isolated());
      dag.edge(between(parts, windows).partitioned(keyOfPart, Partitioner.HASH_CODE));
    } else {
      windows = vertex(dag, options, "windows", aggregateToSlidingWindowP(List.of(key), List.of(time), TimestampKind.EVENT, policy, 0, moments, KeyedWindowResult::new));
      dag.edge(between(source, windows).partitioned(key, Partitioner.HASH_CODE));
    }
    Vertex sink = vertex(dag, options, "tally", TallySink::new);
    dag.edge(between(windows, sink).isolated());
    return dag;
  }

  private static DAG outliers(Options options) {
    FunctionEx<Sample, Integer> key = Sample::key;
    SupplierEx<Ewma> state = () -> Run.current().learning();
    DAG dag = new DAG();
    Vertex source = vertex(dag, options, "samples", SampleSource.every(Long.MAX_VALUE));
    Vertex outliers = vertex(dag, options, "outliers", mapStatefulP(0, key, Sample::time, state, Graphs::outlier, (ewma, series, sample) -> false, null));
    Vertex sink = vertex(dag, options, "tally", TallySink::new);
    dag.edge(between(source, outliers).partitioned(key, Partitioner.HASH_CODE));
    dag.edge(between(outliers, sink).isolated());
    return dag;
  }

  private static Double outlier(Ewma ewma, Integer series, Sample sample) {
    double z = ewma.learn(sample.value());
    return z == 0 ? null : (Double) z;
  }

  private static AggregateOperation1<Sample, Moments, WindowResult> moments() {
    return AggregateOperation.withCreate(Moments::new)
        .andAccumulate((Moments window, Sample sample) -> window.add(sample.value()))
        .andCombine(Moments::add)
        .andDeduct(Moments::subtract)
        .andExportFinish(Moments::result);
  }

  private static Vertex vertex(DAG dag, Options options, String name, SupplierEx<Processor> processor) {
    return dag.newVertex(name, processor).localParallelism(options.threads());
  }
}
