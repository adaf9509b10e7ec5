"""The samples of the workloads, by formula, as a source of Bytewax."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from bytewax.inputs import DynamicSource, StatelessSourcePartition

T0 = datetime.fromtimestamp(1_700_000_000, timezone.utc)
DISORDER = timedelta(seconds=5)
# As in Bytewax's own benchmarks: an operator takes all values of a key in a batch at once.
BATCH = 100_000

# Event time and value; the key is the series' name.
Sample = tuple[datetime, float]


class Samples(DynamicSource[tuple[str, Sample]]):
    """Each worker makes the samples of a range of the series."""

    def __init__(self, samples: int, series: int) -> None:
        self.samples = samples
        self.series = series
        # When the first sample was made, by `time.monotonic`.
        self.began = float("inf")

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Part:
        first = self.series * worker_index // worker_count
        end = self.series * (worker_index + 1) // worker_count
        return Part(self, range(first, end))


class Part(StatelessSourcePartition[tuple[str, Sample]]):
    def __init__(self, source: Samples, of: range) -> None:
        self.source = source
        self.batches = batches(source.samples, source.series, of)

    def next_batch(self) -> list[tuple[str, Sample]]:
        self.source.began = min(self.source.began, time.monotonic())
        return next(self.batches)


def batches(samples: int, series: int, of: range) -> Iterator[list[tuple[str, Sample]]]:
    """A step of a second after the other, in which every series has a sample; batches are of whole steps.

    Every twentieth sample by a hash of its number is 1 to 5 s early.
    """
    keys = [f"s{s}" for s in range(series)]
    seconds = [timedelta(seconds=s) for s in range(6)]
    batch: list[tuple[str, Sample]] = []
    for step in range(-(-samples // series)):
        now = T0 + timedelta(seconds=step)
        times = [now - early for early in seconds]
        for s in of:
            i = step * series + s
            if i >= samples:
                break
            h = i * 2_654_435_761 & 0xFFFF_FFFF
            early = 0 if h % 20 else 1 + (i >> 3) % 5
            batch.append((keys[s], (times[early], h % 1_000 / 10)))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
