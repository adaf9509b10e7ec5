package flink;

import java.util.Arrays;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import peer.Samples;
import peer.WindowResult;

/**
 * Windows over a ring of frames, each as long as the slide: a sample is added to one frame; a window takes in
 * the frame at its front and, as it slides on, gives back the one at its end. A tumbling window has one frame.
 */
final class DenseWindows extends AbstractStreamOperator<WindowResult> implements OneInputStreamOperator<Sample, WindowResult> {
  private final int series;
  private final long frameMs;
  private final int framesOfWindow;
  /** Frames in the ring, less one; a power of two, so that it is a mask. */
  private final int mask;
  private transient Columns frames;
  private transient Columns windows;
  private transient StreamRecord<WindowResult> result;
  /** The oldest frame that windows have not taken in, and the newest with a sample, in frames since the epoch. */
  private transient long oldest;
  private transient long newest;

  DenseWindows(int series, long windowMs, long slideMs) {
    this.series = series;
    frameMs = slideMs;
    framesOfWindow = (int) (windowMs / slideMs);
    int live = framesOfWindow + (int) (Samples.DISORDER_MS / slideMs) + 2;
    mask = Integer.highestOneBit(2 * live - 1) - 1;
  }

  @Override
  public void open() throws Exception {
    super.open();
    frames = new Columns((mask + 1) * series);
    windows = new Columns(series);
    result = new StreamRecord<>(null);
    oldest = Long.MAX_VALUE;
    newest = Long.MIN_VALUE;
  }

  @Override
  public void processElement(StreamRecord<Sample> element) {
    Sample sample = element.getValue();
    long frame = element.getTimestamp() / frameMs;
    if (frame < oldest) oldest = frame;
    if (frame > newest) newest = frame;
    frames.add(row(frame) + sample.series, sample.value);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    long last = mark.getTimestamp() == Long.MAX_VALUE ? Long.MAX_VALUE : Math.floorDiv(mark.getTimestamp() + 1, frameMs);
    for (; oldest < Math.min(last, newest + framesOfWindow); oldest++) close(oldest);
    super.processWatermark(mark);
  }

  /** Emits the windows that end with this frame. */
  private void close(long frame) {
    int front = row(frame);
    int end = row(frame - framesOfWindow + 1);
    for (int s = 0; s < series; s++) {
      windows.add(s, frames, front + s);
      long count = windows.count[s];
      if (count == 0) continue;
      double mean = windows.sum[s] / count;
      double deviation = Math.sqrt(Math.max(0, windows.squares[s] / count - mean * mean));
      output.collect(result.replace(new WindowResult(count, mean, deviation), (frame + 1) * frameMs - 1));
      windows.subtract(s, frames, end + s);
    }
    frames.clear(end, end + series);
  }

  private int row(long frame) {
    return (int) (frame & mask) * series;
  }

  private static final class Columns {
    final long[] count;
    final double[] sum;
    final double[] squares;

    Columns(int length) {
      count = new long[length];
      sum = new double[length];
      squares = new double[length];
    }

    void add(int at, double value) {
      count[at] += 1;
      sum[at] += value;
      squares[at] += value * value;
    }

    void add(int at, Columns from, int other) {
      count[at] += from.count[other];
      sum[at] += from.sum[other];
      squares[at] += from.squares[other];
    }

    void subtract(int at, Columns from, int other) {
      count[at] -= from.count[other];
      sum[at] -= from.sum[other];
      squares[at] -= from.squares[other];
    }

    void clear(int from, int to) {
      Arrays.fill(count, from, to, 0);
      Arrays.fill(sum, from, to, 0);
      Arrays.fill(squares, from, to, 0);
    }
  }
}
