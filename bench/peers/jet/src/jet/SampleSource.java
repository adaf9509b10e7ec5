package jet;

import com.hazelcast.function.SupplierEx;
import com.hazelcast.jet.core.AbstractProcessor;
import com.hazelcast.jet.core.Processor;
import com.hazelcast.jet.core.Watermark;
import peer.Run;
import peer.Samples;

/** Emits samples, and a watermark whenever it enters another frame of the windows: those between close nothing. */
final class SampleSource extends AbstractProcessor {
  private final long frameMs;
  private Integer[] keys;
  private int part;
  private int parts;
  private Samples samples;
  private Sample sample;
  private Watermark watermark;
  private long nextWatermark = Long.MIN_VALUE;

  private SampleSource(long frameMs) {
    this.frameMs = frameMs;
  }

  /** @param frameMs between watermarks; {@code Long.MAX_VALUE} for none */
  static SupplierEx<Processor> every(long frameMs) {
    return () -> new SampleSource(frameMs);
  }

  @Override
  protected void init(Context context) {
    part = context.globalProcessorIndex();
    parts = context.totalParallelism();
    keys = new Integer[Run.current().options().series()];
    for (int series = 0; series < keys.length; series++) keys[series] = series;
    if (frameMs == Long.MAX_VALUE) nextWatermark = Long.MAX_VALUE;
  }

  @Override
  public boolean complete() {
    if (samples == null) samples = Run.current().samples(part, parts);
    while (true) {
      if (watermark != null) {
        if (!tryEmit(watermark)) return false;
        watermark = null;
      }
      if (sample != null) {
        if (!tryEmit(sample)) return false;
        sample = null;
      }
      if (!samples.due()) return false;
      if (!samples.next()) return true;
      sample = new Sample(keys[samples.series], samples.time, samples.value);
      long reached = samples.largest - Samples.DISORDER_MS;
      if (reached >= nextWatermark) advance(reached);
    }
  }

  private void advance(long reached) {
    long frame = Math.floorDiv(reached, frameMs) * frameMs;
    Run.current().watermark(frame);
    watermark = new Watermark(frame);
    nextWatermark = frame + frameMs;
  }
}
