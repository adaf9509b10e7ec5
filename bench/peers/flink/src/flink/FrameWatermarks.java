package flink;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import peer.Run;
import peer.Samples;

/** A watermark whenever it enters another frame of the windows, as soon as the sample is there that moves it: those between close nothing. */
final class FrameWatermarks implements WatermarkGenerator<Sample> {
  private final long frameMs;
  private long next = Long.MIN_VALUE;

  FrameWatermarks(long frameMs) {
    this.frameMs = frameMs;
  }

  @Override
  public void onEvent(Sample sample, long time, WatermarkOutput output) {
    long reached = time - Samples.DISORDER_MS;
    if (reached < next) return;
    long frame = Math.floorDiv(reached, frameMs) * frameMs;
    next = frame + frameMs;
    Run.current().watermark(frame);
    // Flink's watermark t says that no sample at t is to come.
    output.emitWatermark(new Watermark(frame - 1));
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {}
}
