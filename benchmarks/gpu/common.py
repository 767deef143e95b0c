"""What the scripts for a machine with a GPU share: the engine and the traffic."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from driftsched.live import LiveOptions
from driftsched.scenario import Scenario, load_scenario

__all__ = ["arguments", "emit", "options_of", "traffic"]


def arguments(about: str) -> argparse.ArgumentParser:
    """Arguments of every script here. The defaults take a CPU about two minutes."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--model", help="hub name, folder or GGUF file; random weights without it")
    parser.add_argument("--layers", type=int, default=4, help="of the random model")
    parser.add_argument("--hidden", type=int, default=256, help="of the random model")
    parser.add_argument("--heads", type=int, default=4, help="of the random model")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1")
    parser.add_argument("--batch", type=int, default=8, help="requests in the engine at most")
    parser.add_argument("--requests", type=int, default=120, help="of a live run")
    parser.add_argument("--rate", type=float, default=4.0, help="requests a second")
    parser.add_argument("--cap", type=float, default=0.25, help="share of the paper's answers")
    parser.add_argument("--mode", choices=("continuous", "gang"), default="continuous")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def options_of(args: argparse.Namespace) -> LiveOptions:
    """How to run live."""
    engine: dict[str, Any] = {"kind": "torch", "device": args.device, "slots": args.batch}
    if args.model:
        engine["model"] = args.model
    else:
        engine["random"] = {"layers": args.layers, "hidden": args.hidden, "heads": args.heads}
    return LiveOptions.model_validate({"engine": engine, "timeout_s": 3600})


def traffic(args: argparse.Namespace, seed: int, policy: str = "fifo") -> Scenario:
    """The paper's mix as Poisson traffic, its answers cut shorter by ``--cap``."""
    base = load_scenario("paper")
    caps = [
        f"categories.{number}.max_output_tokens={max(4, round(args.cap * c.max_output_tokens))}"
        for number, c in enumerate(base.categories)
    ]
    phase = {
        "name": "steady",
        "requests": args.requests,
        "arrivals": {"kind": "poisson", "rate_rps": args.rate},
        "mix": base.phases[0].mix,
    }
    return load_scenario(
        "paper",
        [
            *caps,
            f"phases=[{json.dumps(phase)}]",
            f"engine.mode={args.mode}",
            f"engine.batch_size={args.batch}",
            f"policy.kind={policy}",
            f"seed={seed}",
        ],
    )


def emit(data: dict[str, Any], as_json: bool) -> None:
    """Print the figures: one JSON object, or a line each."""
    if as_json:
        print(json.dumps(data, indent=2))
        return
    for name, value in data.items():
        print(f"{name}: {value}")
