package flink;

import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import peer.Run;
import peer.Tally;
import peer.WindowResult;

/** Sums the results: windows, or |z| of outliers. */
final class TallySink<T> implements Sink<T> {
  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) {
    return new Writer<>();
  }

  private static final class Writer<T> implements SinkWriter<T> {
    private final Tally tally = new Tally(Run.current());

    @Override
    public void write(T result, Context context) {
      // The timestamp of a window's result is the last millisecond in it.
      if (result instanceof WindowResult window) tally.window(context.timestamp() + 1, window);
      else tally.outlier((Double) result);
    }

    @Override
    public void flush(boolean endOfInput) {
      if (endOfInput) Run.current().finished(tally);
    }

    @Override
    public void close() {}
  }
}
