"""How long the server takes for a change on the Explore page: 100 moves of its sliders.

The real page runs in Streamlit's own script runner, in this process: from a slider's new value to
the last element of the new picture, with 5 policies, 10 replications and 3000 requests each. What
it leaves out is the network and the browser. The first moves load and compile; they are not
counted. On a machine that others use, ``processor_ms_p50`` (of all threads together) says what a
change really costs.

    python benchmarks/explore.py [--json] [--moves 100]
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from typing import Any

from figures import ROOT, measured
from streamlit.testing.v1 import AppTest

from driftsched.simulation.compiled import warm_up
from driftsched.studio.state import Key

WARM_UP_MOVES = 5
LIMITS = {"change_ms_p50": 300.0, "change_ms_p95": 500.0}


def opened() -> AppTest:
    """The page with its first picture."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["preset"] = "paper"
    while not app.metric:  # the worker loads the engine
        app.run()
    check(app)
    return app


def check(app: AppTest) -> None:
    """A move counts only where the page has its whole picture."""
    if app.exception or app.error or len(app.metric) != 5 or len(app.dataframe) != 1:
        shown = [*app.exception, *app.error]
        raise RuntimeError(f"the page has no picture: {[element.value for element in shown]}")


def move(app: AppTest, rng: random.Random) -> str:
    """Set one slider to a value it does not have; the requests change with most of them."""
    kind = rng.choice(["load", "bursts", "drift", "batch", "share", "policy"])
    if kind == "load":
        app.slider(key=Key.LOAD).set_value(round(rng.uniform(0.1, 4.0), 1))
    elif kind == "share":
        app.slider(key="share-premium").set_value(float(rng.randint(1, 99)))
    elif kind == "bursts":
        app.select_slider(key=Key.BURSTS).set_value(rng.choice([0.5, 1.0, 1.5, 2.0, 3.0, 4.0]))
    elif kind == "drift":
        app.select_slider(key=Key.STEP).set_value(rng.choice([0.25, 0.5, 0.8, 1.25, 2.0, 3.0]))
    elif kind == "batch":
        app.select_slider(key=Key.BATCH_SIZE).set_value(rng.choice([8, 16, 24, 32, 48, 64]))
    else:
        app.select_slider(key="tune-aging-rate").set_value(rng.choice([0.001, 0.005, 0.02, 0.1]))
    return kind


def measure(moves: int) -> dict[str, Any]:
    """Move sliders and take the time of each."""
    warm_up()  # so that it is there for the worker
    rng, app = random.Random(5), opened()  # noqa: S311  which slider moves is no secret
    spent: dict[str, list[float]] = {}
    processor: list[float] = []
    for number in range(WARM_UP_MOVES + moves):
        kind = move(app, rng)
        started, busy = time.perf_counter(), time.process_time()
        app.run()
        took, used = time.perf_counter() - started, time.process_time() - busy
        check(app)
        if number >= WARM_UP_MOVES:
            spent.setdefault(kind, []).append(1e3 * took)
            processor.append(1e3 * used)
    every = sorted(value for values in spent.values() for value in values)
    found: dict[str, Any] = {
        "change_ms_p50": statistics.median(every),
        "change_ms_p95": every[min(len(every) - 1, int(0.95 * len(every)))],
        "processor_ms_p50": statistics.median(processor),
        "moves": moves,
        "load_average": os.getloadavg()[0],
    }
    return found | {f"{kind}_ms_p50": statistics.median(values) for kind, values in spent.items()}


if __name__ == "__main__":
    sys.exit(measured(measure, LIMITS, moves=100))
