"""Reports opened without a network: every chart is drawn, every figure is that of the JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driftsched.results import RunLibrary
from driftsched.results.wording import seconds, with_interval
from driftsched.scenario import changed, load_scenario
from driftsched.simulation import simulate
from tests.support.commands import SMALL, called, data_of

DRAWN = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length > 0"
PLOTS = """() => [...document.querySelectorAll('figure')].map(
  (figure) => figure.querySelector('.main-svg') !== null)"""
CELLS = """() => Object.fromEntries([...document.querySelectorAll('table')].flatMap((table) => {
  const [head, ...rows] = [...table.rows].map((row) => [...row.cells].map((c) => c.textContent));
  return rows.flatMap(([name, ...cells]) => cells.map((c, n) => [`${name} | ${head[n + 1]}`, c]));
}))"""


@pytest.fixture
def opened(browser: Any) -> Any:
    """Open a file in a browser that reaches nothing else; complain of what it cannot do."""
    problems: list[str] = []
    context = browser.new_context(offline=True)

    def open_file(path: Path) -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else 0)
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        return page

    yield open_file
    context.close()
    assert problems == []


def test_a_comparison_opens_offline_with_the_figures_of_its_json(
    opened: Any,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    small = load_scenario(SMALL)
    kinds = ("fifo", "sjf")
    ids = [RunLibrary().save(simulate(changed(small, policy={"kind": kind}))) for kind in kinds]
    file = tmp_path / "comparison.html"
    data = data_of(capsys, "compare", *ids, "--seeds", "3", "--html", str(file), "--json")
    page = opened(file)
    assert page.evaluate(PLOTS) == [True] * 8
    cells = page.evaluate(CELLS)
    for words, metric, scale in (
        ("P99 latency (s)", "p99_e2el_ms", 1e-3),
        ("Mean queue wait (s)", "mean_queue_wait_ms", 1e-3),
        ("SLOs met (%)", "slo_attainment", 100),
    ):
        for run, found in data["runs"].items():
            one = found[metric]
            if one["value"] is not None:
                shown = [_number(one[end], scale) for end in ("value", "low", "high")]
                assert cells[f"{words} | {run}"] == with_interval(*shown)
    sjf = data["runs"]["SJF"]["by_tenant"]["bulk"]["p99_e2el_ms"]
    change = [_number(sjf[end], 100) for end in ("change", "change_low", "change_high")]
    assert cells["bulk | SJF, change (%)"] == with_interval(*change)
    assert page.get_by_text(data["verdict"], exact=True).is_visible()


def _number(value: float | None, scale: float) -> float:
    return float("inf") if value is None else scale * value


def test_a_run_opens_offline_with_the_figures_of_its_json(
    opened: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "run.html"
    data = data_of(capsys, "run", SMALL, "--json")
    assert called(capsys, "export", SMALL, "--html", str(file))[0] == 0
    page = opened(file)
    drawn = page.evaluate(PLOTS)
    assert len(drawn) == 8
    assert all(drawn)
    cells = page.evaluate(CELLS)  # of the last table that names it: the queue wait's
    assert cells["all | P99"] == seconds(data["p99_queue_wait_ms"])
    assert cells["gold | mean"] == seconds(data["by_tenant"]["gold"]["mean_queue_wait_ms"])
    numbers = page.locator("dl.numbers").inner_text()
    assert seconds(data["median_e2el_ms"]) in numbers
    code = page.locator("pre code").nth(1).inner_text()
    assert "simulate(load_scenario(" in code
