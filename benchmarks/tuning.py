"""Does what tuning claims hold? ``python benchmarks/tuning.py [PRESET …]``.

Each repetition tunes with a seed of its own and then serves, under the scenario as it is and as
tuned, twenty seeds that neither the search nor its own judgement saw.
"""

from __future__ import annotations

import argparse

from driftsched.experiments.sweeps import figure_of, workers
from driftsched.experiments.tuning import Tuning, default_space, tune
from driftsched.experiments.tuning.scores import Task, means, scored
from driftsched.scenario import changed, load_scenario

FRESH = 20
"""Seeds to judge on, far from all others."""


def main() -> None:
    """Print a line a repetition, and how many claims held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", default=["noisy-neighbour", "flash-crowd"])
    parser.add_argument("--metric", default="weighted_slo_attainment")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--trials", type=int, default=60)
    options = parser.parse_args()
    for name in options.presets:
        claimed = held = 0
        for repetition in range(options.repetitions):
            scenario = changed(load_scenario(name), seed=1000 * (repetition + 1))
            tuning = Tuning(
                scenario=scenario,
                over=default_space(scenario),
                objectives=(options.metric,),
                drifts=(1.0, 0.5, 2.0),
            )
            with workers(2) as by:
                found = tune(tuning, options.trials, by=by)
            best = found.candidates[0]
            seeds = tuning.seeds_of(500, FRESH)
            own, tuned = (
                means(scored(Task(0, tuning, scenario, settings, seeds)))[0]
                for settings in ({}, best.settings)
            )
            gains = found.gains(best)
            better = tuned < own if figure_of(options.metric).low_is_good else tuned > own
            claimed, held = claimed + gains, held + (gains and better)
            print(
                f"{name}, seed {scenario.seed}: {found.says()}; on fresh seeds "
                f"{100 * (tuned / own - 1):+.1f} %, {best.settings}"
            )
        print(f"{name}, {options.metric}: gains claimed {claimed} times, held {held} times")


if __name__ == "__main__":
    main()
