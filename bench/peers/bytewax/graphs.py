"""The workloads as dataflows, with the windowing operators of the manual."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from math import sqrt
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.operators.windowing import EventClock, SlidingWindower, TumblingWindower, Windower, fold_window

from samples import DISORDER, Sample, Samples
from tally import Sums, Tally

EPOCH = datetime.fromtimestamp(0, timezone.utc)

# Count, sum and sum of squares.
Moments = tuple[int, float, float]


def tumbling(source: Samples) -> tuple[Dataflow, Tally]:
    """W1: windows of 10 s: count, mean, standard deviation of the population."""

    def add(sums: Sums, result: tuple[int, float, float]) -> None:
        count, mean, deviation = result
        sums["results"] += 1
        sums["counts"] += count
        sums["means"] += mean
        sums["deviations"] += deviation

    def describe(window: tuple[int, Moments]) -> tuple[int, float, float]:
        _id, (count, total, squares) = window
        mean = total / count
        return count, mean, sqrt(max(0.0, squares / count - mean * mean))

    return windows("W1", source, TumblingWindower(timedelta(seconds=10), EPOCH), describe, Tally(add, "results", "counts", "means", "deviations"))


def sliding(source: Samples) -> tuple[Dataflow, Tally]:
    """W2: windows of 60 s every second: count, mean."""

    def add(sums: Sums, result: tuple[int, float]) -> None:
        count, mean = result
        sums["results"] += 1
        sums["counts"] += count
        sums["means"] += mean

    def describe(window: tuple[int, Moments]) -> tuple[int, float]:
        _id, (count, total, _squares) = window
        return count, total / count

    windower = SlidingWindower(timedelta(seconds=60), timedelta(seconds=1), EPOCH)
    return windows("W2", source, windower, describe, Tally(add, "results", "counts", "means"))


def windows(name: str, source: Samples, windower: Windower[Any], describe: Any, tally: Tally) -> tuple[Dataflow, Tally]:
    # Event time alone closes windows: the system's clock stands still, so that a replay has no late samples.
    clock: EventClock[Sample] = EventClock(
        ts_getter=lambda sample: sample[0],
        wait_for_system_duration=DISORDER,
        now_getter=lambda: EPOCH,
        to_system_utc=lambda _time: None,
    )

    def fold(moments: Moments, sample: Sample) -> Moments:
        count, total, squares = moments
        value = sample[1]
        return count + 1, total + value, squares + value * value

    def merge(one: Moments, other: Moments) -> Moments:
        return one[0] + other[0], one[1] + other[1], one[2] + other[2]

    flow = Dataflow(name)
    rows = op.input("samples", flow, source)
    # Sums don't depend on the order of what is added: sorting would only cost.
    folded = fold_window("window", rows, clock, windower, lambda: (0, 0.0, 0.0), fold, merge, ordered=False)
    results = op.map_value("describe", folded.down, describe)
    op.output("tally", results, tally)
    return flow, tally


class Ewma(StatefulBatchLogic[Sample, tuple[str, float, float], tuple[float, float, int]]):
    """W3: an exponentially weighted mean and variance of a series."""

    ALPHA = 0.05
    FAR = 3.0
    LEARNT_AFTER = 10

    def __init__(self, resumed: tuple[float, float, int] | None) -> None:
        self.mean, self.variance, self.seen = resumed or (0.0, 0.0, 0)

    def on_batch(self, values: list[Sample]) -> tuple[list[tuple[str, float, float]], bool]:
        mean, variance, seen = self.mean, self.variance, self.seen
        far = []
        for _time, value in values:
            d = value - mean
            if seen >= self.LEARNT_AFTER and variance > 0:
                z = abs(d) / sqrt(variance)
                if z > self.FAR:
                    far.append(("far", z, 0.0))
            mean += self.ALPHA * d
            variance = (1 - self.ALPHA) * (variance + self.ALPHA * d * d)
            seen += 1
        self.mean, self.variance, self.seen = mean, variance, seen
        return far, StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[tuple[str, float, float]], bool]:
        return [("learnt", self.mean, self.variance)], StatefulBatchLogic.DISCARD

    def snapshot(self) -> tuple[float, float, int]:
        return self.mean, self.variance, self.seen


def keyed(source: Samples) -> tuple[Dataflow, Tally]:
    """W3: samples more than three deviations out, and what was learnt at the end."""

    def add(sums: Sums, result: tuple[str, float, float]) -> None:
        what, one, other = result
        if what == "far":
            sums["results"] += 1
            sums["z"] += one
        else:
            sums["means"] += one
            sums["variances"] += other

    flow = Dataflow("W3")
    rows = op.input("samples", flow, source)
    results = op.stateful_batch("ewma", rows, Ewma)
    tally = Tally(add, "results", "z", "means", "variances")
    op.output("tally", results, tally)
    return flow, tally
