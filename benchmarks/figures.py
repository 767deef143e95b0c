"""How the programs here are called and show what they measured; imported first.

They use one core: the number of threads is set here, before anything imports numpy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "measured", "show"]

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def measured(
    measure: Callable[..., Mapping[str, Any]], limits: Mapping[str, float], **options: int | Path
) -> int:
    """Be the program: read the arguments, measure, and print.

    Parameters
    ----------
    measure : callable
        Takes the options by name; gives name with its unit → number or text.
    limits : mapping
        Name → the most that is allowed.
    **options
        Counts from 1 on, and files, each with its default.

    Returns
    -------
    int
        The exit code: 1 where a limit does not hold.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for name, default in options.items():
        kind = Path if isinstance(default, Path) else _at_least_1
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = vars(parser.parse_args())
    as_json = args.pop("json")
    return show(measure(**args), limits, as_json)


def _at_least_1(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be >= 1, got {number}")
    return number


def show(found: Mapping[str, Any], limits: Mapping[str, float], as_json: bool) -> int:
    """Print figures, a line each or as one JSON object; 1 where a limit does not hold."""
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            limit = f"  (limit {limits[name]:g})" if name in limits else ""
            shown = value if isinstance(value, str) else f"{value:,.2f}"
            print(f"{name:<32}{shown:>14}{limit}")
    return int(any(found[name] > limit for name, limit in limits.items()))
