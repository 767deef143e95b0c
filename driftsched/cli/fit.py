"""``fit``: a recorded trace as a scenario, with fitted arrivals and lengths."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from driftsched.charts import fit as fit_chart
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, tell
from driftsched.results.files import write_file
from driftsched.results.wording import with_interval
from driftsched.scenario import TraceSource, load_scenario, to_yaml
from driftsched.workload.fit import TraceFit, fit_trace


def fit_command(parser: argparse.ArgumentParser) -> Action:
    """Fit a trace, print how good it is, and write the scenario."""
    parser.add_argument("trace", help="recorded traffic: any format, also gzip")
    parser.add_argument(
        "--scenario", help="keep this scenario's tenants, categories, policy, engine and cluster"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="how the trace is read: on_error=skip, limit=1000, columns={time: …}; repeatable",
    )
    parser.add_argument("--name", default="fitted", help="name of the scenario")
    parser.add_argument("--out", metavar="FILE", help="write the scenario's YAML there")
    parser.add_argument(
        "--chart", metavar="FILE", help="write a picture of fit against data (HTML)"
    )
    add_json(parser)
    return _fit


def _fit(args: argparse.Namespace) -> None:
    base = None if args.scenario is None else load_scenario(args.scenario)
    found = fit_trace(Path(args.trace), _rules(args), base, args.name)
    text = to_yaml(found.scenario)
    if args.out is not None:
        write_file(args.out, text.encode())
        tell(f"scenario written to {args.out}")
    if args.chart is not None:
        html = fit_chart(found.curves()).to_html(include_plotlyjs=True)
        write_file(args.chart, html.encode())
        tell(f"picture written to {args.chart}")
    if args.json:
        print_json(_data(found))
    else:
        _print(found)
        if args.out is None:
            print(f"\n{text}", end="")


def _rules(args: argparse.Namespace) -> TraceSource:
    """Rules of the trace, set in a scenario, so that errors name the field as everywhere."""
    sets = [f"file={json.dumps(args.trace)}", *args.set]
    if any(one.startswith("columns") for one in args.set):
        sets.insert(0, "format=columns")
    scenario = load_scenario("paper", ["phases=[]", *(f"trace.{one}" for one in sets)])
    assert scenario.trace is not None
    return scenario.trace


def _data(found: TraceFit) -> dict[str, Any]:
    arrivals = found.arrivals
    return {
        "scenario": found.scenario.model_dump(mode="json", by_alias=True),
        "requests": arrivals.n,
        "rate_rps": arrivals.rate_rps,
        "cv": arrivals.cv,
        "bic": arrivals.bic,
        "tenants": found.tenants,
        "correlation": {fit.name: fit.correlation for fit in found.categories},
        "candidates_ks": {
            fit.name: {
                "prompt_tokens": fit.prompt.candidates,
                "output_tokens": fit.output.candidates,
            }
            for fit in found.categories
        },
        "assumed": found.assumed,
        "fits": found.table().to_dict("records"),
    }


def _print(found: TraceFit) -> None:
    arrivals = found.arrivals
    print(
        f"{arrivals.n} requests at {arrivals.rate_rps:.3g} a second, gap CV {arrivals.cv:.3g}; "
        f"arrivals: {next(iter(arrivals.bic))}"
    )
    table = found.table()
    what = (table["quantity"] + " " + table["category"]).str.strip()
    columns = zip(table["value"], table["low"], table["high"], strict=True)
    means = [with_interval(*ends) for ends in columns]
    ks = table["ks"].map("{:.4f}".format).replace("nan", "–")
    cells = list(zip(what, table["kind"], table["parameters"], ks, means, strict=True))
    print(aligned(["quantity", "kind", "parameters", "KS", "mean (95 %)"], cells))
    print(f"\nassumed: {', '.join(found.assumed)}")
