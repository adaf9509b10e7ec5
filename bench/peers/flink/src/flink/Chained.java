package flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import peer.Options;
import peer.WindowResult;

/**
 * The workloads by hand: source, operator and sink are one chain of calls, over arrays by series instead of
 * keyed state. It may leave out keyBy because each source has series of its own.
 */
final class Chained {
  private Chained() {}

  static DataStream<?> of(Options options, DataStream<Sample> samples) {
    if (options.workload().equals("W3")) return samples.transform("outliers", Types.DOUBLE, new DenseOutliers(options.series()));
    return samples.transform("windows", TypeInformation.of(WindowResult.class), new DenseWindows(options.series(), options.windowMs(), options.slideMs()));
  }
}
