package jet;

import com.hazelcast.jet.core.AbstractProcessor;
import com.hazelcast.jet.core.Watermark;
import com.hazelcast.jet.datamodel.KeyedWindowResult;
import peer.Run;
import peer.Tally;
import peer.WindowResult;

/** Sums the results: windows, or |z| of outliers. */
final class TallySink extends AbstractProcessor {
  private final Tally tally = new Tally(Run.current());

  @Override
  protected boolean tryProcess0(Object item) {
    if (item instanceof KeyedWindowResult<?, ?> window) tally.window(window.end(), (WindowResult) window.result());
    else tally.outlier((Double) item);
    return true;
  }

  @Override
  public boolean tryProcessWatermark(Watermark watermark) {
    return true;
  }

  @Override
  public boolean complete() {
    Run.current().finished(tally);
    return true;
  }
}
