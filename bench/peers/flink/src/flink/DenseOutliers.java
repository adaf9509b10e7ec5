package flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import peer.Ewma;
import peer.Run;

final class DenseOutliers extends AbstractStreamOperator<Double> implements OneInputStreamOperator<Sample, Double> {
  private final int series;
  private transient Ewma[] learnt;
  private transient StreamRecord<Double> outlier;

  DenseOutliers(int series) {
    this.series = series;
  }

  @Override
  public void open() throws Exception {
    super.open();
    learnt = new Ewma[series];
    outlier = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<Sample> element) {
    Sample sample = element.getValue();
    Ewma state = learnt[sample.series];
    if (state == null) state = learnt[sample.series] = Run.current().learning();
    double z = state.learn(sample.value);
    if (z != 0) output.collect(outlier.replace(z, element.getTimestamp()));
  }
}
