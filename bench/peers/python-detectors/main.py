"""Detectors that one would take in Python.

`judge INPUT OUTPUT`: over recorded series. INPUT is a JSON list of lists of values. For each detector OUTPUT gets its scores, a list a series, each row scored
before it is learnt, and the processor time. Each series has a detector of its own, with defaults but for what is said.

`forest INPUT OUTPUT`: what fitting and scoring an isolation forest takes, on one thread. INPUT has `rows`, one after the
other, of so many `features`, and `trees`, `sample` and `rounds`; OUTPUT the milliseconds of each round.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from river import anomaly, preprocessing
from sklearn.ensemble import IsolationForest

Values = list[float]


def half_space_trees(values: Values) -> Values:
    """10 trees of height 8; values are brought into [0, 1] by the least and greatest so far."""
    scaler = preprocessing.MinMaxScaler()
    trees = anomaly.HalfSpaceTrees(n_trees=10, height=8, seed=1)
    scores = []
    for value in values:
        x = {"value": value}
        scaler.learn_one(x)
        scaled = scaler.transform_one(x)
        scores.append(trees.score_one(scaled))
        trees.learn_one(scaled)
    return scores


def gaussian_scorer(values: Values) -> Values:
    scorer = anomaly.GaussianScorer()
    scores = []
    for value in values:
        scores.append(scorer.score_one(None, value))
        scorer.learn_one(None, value)
    return scores


SHINGLE = 8


def isolation_forest(values: Values) -> Values:
    """100 trees over the last 8 values, fitted once: on the first 15 % of a series."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(values), SHINGLE)
    fitted = max(2, int(0.15 * len(values)) - SHINGLE)
    forest = IsolationForest(random_state=1).fit(windows[:fitted])
    return [0.0] * (SHINGLE - 1) + (-forest.score_samples(windows)).tolist()


DETECTORS: dict[str, tuple[str, Callable[[Values], Values]]] = {
    "river half-space trees": ("river", half_space_trees),
    "river Gaussian scorer": ("river", gaussian_scorer),
    "scikit-learn isolation forest": ("scikit-learn", isolation_forest),
}


def judge(name: str, series: list[Values]) -> dict[str, Any]:
    package, detector = DETECTORS[name]
    began = time.process_time()
    scores = [detector(values) for values in series]
    return {"detector": name, "version": f"{package} {version(package)}", "cpu_s": time.process_time() - began, "scores": scores}


def time_forest(rows: list[float], features: int, trees: int, sample: int, rounds: int) -> dict[str, Any]:
    table = np.asarray(rows).reshape(-1, features)
    fits, scorings = [], []
    for seed in range(rounds + 2):
        began = time.perf_counter()
        forest = IsolationForest(n_estimators=trees, max_samples=sample, random_state=seed, n_jobs=1).fit(table)
        fitted = time.perf_counter()
        forest.score_samples(table)
        fits.append(1000 * (fitted - began))
        scorings.append(1000 * (time.perf_counter() - fitted))
    # The first ones load what is loaded once.
    return {"fit_ms": fits[2:], "score_ms": scorings[2:]}


def main() -> None:
    command, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    given = json.loads(source.read_text())
    told = time_forest(**given) if command == "forest" else [judge(name, given) for name in DETECTORS]
    target.write_text(json.dumps(told))


if __name__ == "__main__":
    main()
