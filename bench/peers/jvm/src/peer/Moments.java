package peer;

import java.util.Objects;

/** Count, sum and sum of squares of the values in a window. A sum of squares is exact enough where values are at most 100. */
public final class Moments {
  public long count;
  public double sum;
  public double squares;

  public void add(double value) {
    count += 1;
    sum += value;
    squares += value * value;
  }

  public void add(Moments other) {
    count += other.count;
    sum += other.sum;
    squares += other.squares;
  }

  /** Takes back what was added: for windows that slide. */
  public void subtract(Moments other) {
    count -= other.count;
    sum -= other.sum;
    squares -= other.squares;
    if (count == 0) {
      sum = 0;
      squares = 0;
    }
  }

  /** An engine drops a series whose window is equal to an empty one. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Moments that && count == that.count && sum == that.sum && squares == that.squares;
  }

  @Override
  public int hashCode() {
    return Objects.hash(count, sum, squares);
  }

  public WindowResult result() {
    double mean = sum / count;
    return new WindowResult(count, mean, Math.sqrt(Math.max(0, squares / count - mean * mean)));
  }
}
