"""Both engines on one workload, and how their tables differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario, to_yaml
from driftsched.simulation import simulate
from driftsched.workload import Workload, generate

TABLES = ("requests", "queues", "gpus", "learning")


def assert_engines_agree(scenario: Scenario, workload: Workload | None = None) -> RunResult:
    """Fail with the scenario and the first difference; give back what the compiled engine found."""
    workload = generate(scenario) if workload is None else workload
    reference = simulate(scenario, workload, engine="simpy")
    result = simulate(scenario, workload, engine="compiled")
    assert (reference.provenance["engine"], result.provenance["engine"]) == ("simpy", "compiled")
    for name in TABLES:
        difference = first_difference(getattr(reference, name), getattr(result, name))
        assert not difference, f"{name}: {difference}\n{to_yaml(scenario)}"
    return result


def first_difference(expected: pd.DataFrame, got: pd.DataFrame) -> str:
    """Say where two tables differ: whole numbers and words at all, times by more than 1e-9."""
    if list(expected.columns) != list(got.columns):
        return f"columns {list(got.columns)}, not {list(expected.columns)}"
    if len(expected) != len(got):
        return f"{len(got)} rows, not {len(expected)}"
    for name in expected.columns:
        one, other = expected[name], got[name]
        if one.dtype != other.dtype:
            return f"{name} is {other.dtype}, not {one.dtype}"
        if one.dtype == np.float64:
            same = np.isclose(other, one, rtol=1e-9, atol=0, equal_nan=True)
        else:
            same = (one == other).to_numpy(dtype=bool)
        if not same.all():
            row = int(np.argmin(same))
            return f"{name}[{row}] is {other.iloc[row]!r}, not {one.iloc[row]!r}"
    return ""
