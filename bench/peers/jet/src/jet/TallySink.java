package jet;

import com.hazelcast.jet.core.AbstractProcessor;
import com.hazelcast.jet.core.Watermark;
import peer.Run;
import peer.Tally;
import peer.WindowResult;

/** Sums the results: windows, or |z| of outliers. */
final class TallySink extends AbstractProcessor {
  private final Tally tally = new Tally(Run.current());

  @Override
  protected boolean tryProcess0(Object item) {
    if (item instanceof WindowResult result) tally.window(result);
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
