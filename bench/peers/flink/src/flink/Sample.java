package flink;

/** The time is in the stream's record. */
public final class Sample {
  public int series;
  public double value;
}
