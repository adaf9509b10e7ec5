"""Detectors that one would take in Python, over recorded series: `INPUT OUTPUT`.

INPUT is a JSON list of lists of values. For each detector OUTPUT gets its scores, a list a series, each row scored
before it is learnt, and the processor time. Each series has a detector of its own, with defaults but for what is said.
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


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    series = json.loads(source.read_text())
    target.write_text(json.dumps([judge(name, series) for name in DETECTORS]))


if __name__ == "__main__":
    main()
