"""The benchmarks' workloads on Bytewax: `WORKLOAD --samples N --series S --threads T --jobs J`.

Runs a job J times, each from nothing, and prints a line of JSON after each. Workers are threads of this process, as
with `python -m bytewax.run -w`; processes of their own, which pickle the rows that they exchange, are slower.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
from importlib.metadata import version
from typing import Any

from bytewax.testing import cluster_main, run_main

from graphs import keyed, sliding, tumbling
from samples import Samples

WORKLOADS = {"W1": (tumbling, 1_000_000, 10_000), "W2": (sliding, 100_000, 1_000), "W3": (keyed, 5_000_000, 10_000)}


def run(workload: str, samples: int, series: int, threads: int) -> dict[str, Any]:
    build, _, _ = WORKLOADS[workload]
    source = Samples(samples, series)
    flow, tally = build(source)
    if threads == 1:
        run_main(flow)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=threads)
    return {
        "workload": workload,
        "engine": "bytewax",
        "threads": threads,
        "samples": samples,
        "seconds": tally.last() - source.began,
        "first_result_at": tally.first(),
        "check": tally.sums(),
        "versions": {"bytewax": version("bytewax"), "python": platform.python_version()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--series", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    _, samples, series = WORKLOADS[given.workload]
    # Rows and state have no cycles: looking for them often costs a quarter of the speed.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    for _ in range(given.jobs):
        outcome = run(given.workload, given.samples or samples, given.series or series, given.threads)
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
