"""The parts of the report that are numbers: headline and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "energy_facts",
    "headline",
    "percentile_tables",
    "seconds",
    "table_html",
    "with_interval",
]

MOST_ROWS = 60
LABELS = {"e2el": "End to end", "ttft": "To the first token", "queue_wait": "In the queue"}
ENDS = ("rejected", "failed", "timed_out", "cancelled")
Numbers = Mapping[Any, Any]


def seconds(milliseconds: float) -> str:
    """Write a duration readably: 850 ms, 12.3 s, 4 min 05 s; "–" where it is not known."""
    if not np.isfinite(milliseconds):
        return "–"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms" if milliseconds >= 9.5 else f"{milliseconds:.2g} ms"
    if milliseconds < 99_950:
        return f"{milliseconds / 1e3:.1f} s"
    minutes, rest = divmod(round(milliseconds / 1e3), 60)
    return f"{minutes} min {rest:02d} s"


def number(value: Any) -> str:
    """Write a number of a table: no needless digits; "–" where there is none."""
    if isinstance(value, str):
        return value
    if value is None or not np.isfinite(value):
        return "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    # −0.0 would read as a loss.
    return f"{value + 0.0:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:.4g}"


def with_interval(value: float, low: float, high: float) -> str:
    """A figure with its interval in brackets, to three or four digits: 114 (112–117).

    "–" where it is not known; without brackets where the interval is not, or has no width.
    """
    if math.isnan(value):
        return "–"
    digits = _digits(value, low, high)
    shown = _fixed(value, digits)
    if math.isnan(low) or math.isnan(high) or low == high:
        return shown
    ends = ["…" if math.isinf(end) else _fixed(end, digits) for end in (low, high)]
    between = " to " if low < 0 else "–"
    return f"{shown} ({ends[0]}{between}{ends[1]})"


def _digits(value: float, low: float, high: float) -> int:
    """Decimals that show the interval's width with two digits, and whole numbers as they are."""
    if value == low == high and value == round(value):
        return 0
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        half = abs(value) / 100
    return min(max(0, 1 - math.floor(math.log10(half))), 4) if half > 0 else 0


def _fixed(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}".replace(",", " ")
    return "0" if text.strip("-0.") == "" else text.replace("-", "−")


def headline(overall: Numbers, errors: pd.DataFrame, unit: str) -> str:
    """The run in a few numbers; goodput never without what was lost beside it."""
    facts = {
        "Requests finished": f"{overall['completed']:,} of {overall['submitted']:,}",
        "Rejected, failed, timed out, cancelled": ", ".join(f"{overall[e]:,}" for e in ENDS),
        "Median latency": seconds(overall["median_e2el_ms"]),
    }
    for key, value in overall.items():
        if key.endswith("_e2el_ms") and key.startswith("p") and key != "p50_e2el_ms":
            facts[f"{key.split('_')[0].upper()} latency"] = seconds(value)
    facts |= {
        "Median time to first token": seconds(overall["median_ttft_ms"]),
        "Requests per second": number(overall["request_throughput"]),
        "Requests per second within objectives": number(overall["request_goodput"]),
        "Objectives met": _share(overall["slo_attainment"]),
        "Output tokens per second": number(overall["output_throughput"]),
        "Waited too long (starved)": f"{overall['starved']:,}",
    }
    facts |= energy_facts(overall)
    own = errors[errors["own"]]
    if len(own):
        facts[f"Mean length error ({unit})"] = number(float(own["mae"].iloc[0]))
    cells = (f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="numbers">{"".join(cells)}</dl>'


def energy_facts(overall: Numbers) -> dict[str, str]:
    """Energy and cost in words, as far as they are known."""
    labels = {
        "energy_per_request_j": "Energy per request (J)",
        "energy_per_1000_tokens_j": "Energy per 1000 tokens (J)",
        "gpu_hours": "GPU hours",
        "cost_per_million_tokens": "Cost per million tokens",
        "cost_per_million_output_tokens": "Cost per million output tokens",
    }
    values = {label: overall.get(key) for key, label in labels.items()}
    return {k: number(v) for k, v in values.items() if v is not None and np.isfinite(v)}


def percentile_tables(metrics: pd.DataFrame) -> str:
    """A table a latency: overall, by tenant, by category; 60 rows at most."""
    shown = metrics.head(MOST_ROWS)
    left = len(metrics) - len(shown)
    parts = []
    for metric, label in LABELS.items():
        names = [c for c in metrics.columns if c.endswith(f"_{metric}_ms") and c[0] == "p"]
        table = pd.DataFrame({"group": shown["name"], "mean": shown[f"mean_{metric}_ms"]})
        for name in names:
            table[name.split("_")[0].upper()] = shown[name]
        for column in table.columns[1:]:
            table[column] = [seconds(value) for value in table[column]]
        table.insert(1, "finished", shown["completed"])
        parts.append(f"<h3>{label}</h3>\n{table_html(table)}")
    note = f'<p class="note">{left:,} more rows are in metrics.csv.</p>' if left else ""
    return "\n".join(parts) + note


def table_html(table: pd.DataFrame) -> str:
    """Write a table as HTML, everything escaped."""
    heads = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = (
        "<tr>" + "".join(f"<td>{escape(number(value))}</td>" for value in row) + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    body = "\n".join(rows)
    return f'<div class="wide"><table>\n<tr>{heads}</tr>\n{body}\n</table></div>'


def _share(value: Any) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.1f} %"
