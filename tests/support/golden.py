"""Fingerprints of every preset's tables: `python -m tests.support.golden [ENGINE]`.

Two commits that print the same lines on one machine leave the same tables, to the last bit.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from driftsched.core.errors import ScenarioError
from driftsched.scenario import Scenario, load_scenario
from driftsched.simulation import simulate

TABLES = ("requests", "queues", "gpus", "learning")
PRESETS = tuple(sorted(p.stem for p in (Path(__file__).parents[2] / "presets").glob("*.yaml")))
VARIANTS = (
    (),
    ("policy.kind=sjf", "estimator.compensator.kind=ema"),
    ("policy.kind=weighted", "seed=5"),
    ("policy.kind=aging",),
    ("engine.mode=gang", "policy.kind=priority"),
)
ENGINES = tuple(sys.argv[1:]) or ("simpy", "compiled")


def fingerprint(table: pd.DataFrame) -> str:
    """Hash of a table: names, types and every bit of every value."""
    digest = hashlib.sha256()
    for name in table.columns:
        column = table[name]
        digest.update(f"{name}:{column.dtype.kind if column.dtype.kind != 'O' else 'T'};".encode())
        if column.dtype.kind in "fiub":
            digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
        else:
            digest.update("\x00".join(column.astype(str)).encode())
    return digest.hexdigest()[:16]


def cases() -> Iterator[tuple[str, Scenario]]:
    """Every preset as it is, and under other policies, compensators, batching and seeds."""
    for preset in PRESETS:
        for variant in VARIANTS:
            try:
                yield " ".join([preset, *variant]), load_scenario(preset, variant)
            except ScenarioError:
                continue


def lines() -> Iterator[str]:
    """One line a case and engine."""
    for name, scenario in cases():
        for engine in ENGINES:
            try:
                result = simulate(scenario, engine=engine)  # type: ignore[arg-type]
            except ScenarioError as error:
                yield f"{name} | {engine} | {error}"
                continue
            prints = " ".join(fingerprint(getattr(result, table)) for table in TABLES)
            yield f"{name} | {engine} | {prints}"


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
