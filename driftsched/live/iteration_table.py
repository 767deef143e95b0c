"""Others' measurements: a CSV of iteration times as observations to calibrate from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from driftsched.core.arrays import Floats
from driftsched.core.errors import InputError
from driftsched.live.iteration_log import IterationGroup, Stretch
from driftsched.live.observations import Observations
from driftsched.results.files import io_errors

__all__ = ["read_iteration_table"]

TIMES = {"seconds": 1.0, "ms": 1e-3, "us": 1e-6}
COUNTS = ("decode_requests", "context_tokens", "prompts", "prompt_tokens")
MOST_ROWS, MOST = 1_000_000, 1e9


def read_iteration_table(path: Path) -> Observations:
    """Read measured iterations, one a row.

    Columns: ``seconds``, ``ms`` or ``us``, how long it took; ``decode_requests``, so many got a
    token, each with ``context_tokens`` in its KV cache; ``prompts`` of ``prompt_tokens`` each were
    prefilled in it. Of the four those that are not there are 0; other columns are left alone.

    Raises
    ------
    InputError
        One line that names the file, the column, the rule and the value.
    RunError
        When the file cannot be read.
    """
    with io_errors(f"read {path}"):
        try:
            table = pd.read_csv(path, nrows=MOST_ROWS)
        except (ValueError, pd.errors.ParserError) as error:
            raise InputError(f"{path} must be CSV with a header: {_line(error)}") from None
    times = [name for name in TIMES if name in table]
    if len(times) != 1:
        raise InputError(
            f"{path} must have one column of {', '.join(TIMES)}, got {', '.join(times) or 'none'}"
        )
    took_s = TIMES[times[0]] * _numbers(table, times[0], path)
    decode, context, prompts, prompt = (_numbers(table, name, path) for name in COUNTS)
    idle = np.flatnonzero((took_s <= 0) | (decode + prompts * prompt <= 0))
    if len(idle):
        raise InputError(
            f"{path}: row {idle[0] + 1} must take time and have decode_requests, or prompts and "
            f"prompt_tokens, got {table.iloc[idle[0]].to_dict()}"
        )
    return Observations.of(
        [
            Stretch(
                start_s=0.0,
                seconds=float(took_s[row]),
                kv_tokens=float(decode[row] * context[row]),
                squares=float(prompts[row] * prompt[row] ** 2),
                parts=[
                    IterationGroup(
                        iterations=1,
                        tokens=int(decode[row] + prompts[row] * prompt[row]),
                        requests=int(decode[row] + prompts[row]),
                        prompts=int(prompts[row]),
                    )
                ],
            )
            for row in range(len(table))
        ]
    )


def _numbers(table: pd.DataFrame, name: str, path: Path) -> Floats:
    if name not in table:
        return np.zeros(len(table))
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= MOST)))
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong[0] + 1}, column {name} must be a number from 0 to {MOST:g}, got "
            f"{str(table[name].iloc[wrong[0]])[:60]!r}"
        )
    return values


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
