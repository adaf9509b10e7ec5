package flink;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import peer.Run;
import peer.Samples;

/** Makes samples; a reader knows its part by its number, so that there are no splits to hand out. */
final class SampleSource implements Source<Sample, SourceSplit, Void> {
  /** Samples that a reader emits before it lets the task look at its mail. */
  private static final int AT_ONCE = 256;

  private static final long NONE_DUE_NANOS = 50_000;

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SourceReader<Sample, SourceSplit> createReader(SourceReaderContext context) {
    return new Reader(context.getIndexOfSubtask(), context.currentParallelism());
  }

  @Override
  public SplitEnumerator<SourceSplit, Void> createEnumerator(SplitEnumeratorContext<SourceSplit> context) {
    return new NoSplits();
  }

  @Override
  public SplitEnumerator<SourceSplit, Void> restoreEnumerator(SplitEnumeratorContext<SourceSplit> context, Void checkpoint) {
    return new NoSplits();
  }

  @Override
  public SimpleVersionedSerializer<SourceSplit> getSplitSerializer() {
    return new NotSaved<>();
  }

  @Override
  public SimpleVersionedSerializer<Void> getEnumeratorCheckpointSerializer() {
    return new NotSaved<>();
  }

  private static final class Reader implements SourceReader<Sample, SourceSplit> {
    private final int part;
    private final int parts;
    private final Sample sample = new Sample();
    private Samples samples;

    Reader(int part, int parts) {
      this.part = part;
      this.parts = parts;
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<Sample> output) {
      if (samples == null) samples = Run.current().samples(part, parts);
      for (int i = 0; i < AT_ONCE; i++) {
        if (!samples.due()) {
          LockSupport.parkNanos(NONE_DUE_NANOS);
          break;
        }
        if (!samples.next()) return InputStatus.END_OF_INPUT;
        sample.series = samples.series;
        sample.value = samples.value;
        output.collect(sample, samples.time);
      }
      return InputStatus.MORE_AVAILABLE;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void addSplits(List<SourceSplit> splits) {}

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public List<SourceSplit> snapshotState(long checkpoint) {
      return List.of();
    }

    @Override
    public void close() {}
  }

  private static final class NoSplits implements SplitEnumerator<SourceSplit, Void> {
    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<SourceSplit> splits, int subtask) {}

    @Override
    public void addReader(int subtask) {}

    @Override
    public Void snapshotState(long checkpoint) {
      return null;
    }

    @Override
    public void close() {}
  }

  /** Nothing is checkpointed in a benchmark, and there are no splits. */
  private static final class NotSaved<T> implements SimpleVersionedSerializer<T> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(T object) {
      throw new UnsupportedOperationException();
    }

    @Override
    public T deserialize(int version, byte[] bytes) {
      throw new UnsupportedOperationException();
    }
  }
}
