"""Arguments that name a live engine, and the options they amount to."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pydantic import ValidationError

from driftsched.core.errors import InputError
from driftsched.live import ENGINES, LiveOptions
from driftsched.scenario import apply_overrides
from driftsched.scenario.messages import one_line

__all__ = ["add_engine", "live_options"]


def add_engine(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the arguments."""
    parser.add_argument("--engine", required=required, help=", ".join(ENGINES))
    parser.add_argument(
        "--model", help="torch: a hub name, folder or GGUF file (random weights without it)"
    )
    parser.add_argument(
        "--endpoint",
        action="append",
        default=[],
        metavar="URL",
        help="openai: base address such as http://127.0.0.1:8000/v1; several are replicas",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="any other option of a live run: engine.device=cpu, timeout_s=60; may be repeated",
    )


def live_options(args: argparse.Namespace, **more: Any) -> LiveOptions:
    """Build the options; `more` are options by name, None is not given.

    Raises
    ------
    InputError
        One line: the option, the rule, the value.
    """
    ENGINES[args.engine]
    engine: dict[str, Any] = {"kind": args.engine}
    if args.model is not None:
        engine["model"] = args.model
    if args.endpoint:
        if args.engine != "openai":
            raise InputError(f"--endpoint is for the openai engine, got --engine {args.engine}")
        engine["endpoints"] = args.endpoint
    given = {name: value for name, value in more.items() if value is not None}
    data = apply_overrides({"engine": engine, **json.loads(json.dumps(given))}, args.option)
    try:
        return LiveOptions.model_validate(data)
    except ValidationError as error:
        said = one_line(error, LiveOptions).replace("a field of a scenario", "an option")
        # The kind of engine stands between the two where pydantic chose it.
        raise InputError(said.replace(f"engine.{args.engine}.", "engine.", 1)) from None
