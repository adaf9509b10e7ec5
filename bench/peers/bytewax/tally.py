"""What results add up to, and when they came, as a sink of Bytewax."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bytewax.outputs import DynamicSink, StatelessSinkPartition

Sums = dict[str, float]


class Tally(DynamicSink[Any]):
    """Sums over all results; `add` adds a result to sums of these names."""

    def __init__(self, add: Callable[[Sums, Any], None], *names: str) -> None:
        self.add = add
        self.names = names
        # One a worker.
        self.parts: list[Part] = []

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Part:
        part = Part(self.add, dict.fromkeys(self.names, 0))
        self.parts.append(part)
        return part

    def sums(self) -> Sums:
        return {name: sum(part.sums[name] for part in self.parts) for name in self.names}

    def first(self) -> float:
        """When the first result was taken, ms since the epoch."""
        return min(part.first for part in self.parts if part.first is not None)

    def last(self) -> float:
        """When the last result was taken, by `time.monotonic`."""
        return max(part.last for part in self.parts if part.last is not None)


class Part(StatelessSinkPartition[Any]):
    def __init__(self, add: Callable[[Sums, Any], None], sums: Sums) -> None:
        self.add = add
        self.sums = sums
        self.first: float | None = None
        self.last: float | None = None

    def write_batch(self, items: list[Any]) -> None:
        if self.first is None:
            self.first = time.time() * 1_000
        for _key, result in items:
            self.add(self.sums, result)
        self.last = time.monotonic()
