"""The HTML report: complete, safe, and needing nothing else."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from driftsched.charts.report import html_report
from driftsched.results.wording import number, seconds
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.unit.results_data import hand_run

COMMAND = "python -m driftsched run paper --set 'title=a & b'"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Tags, text and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text, self._open = "", list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif not self._open or self._open[-1] != "style":
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def figures(title: str = "Latency") -> list[tuple[str, str, go.Figure]]:
    bars = go.Figure(go.Bar(x=["fifo", EVIL], y=[1, 2], name=EVIL))
    return [(title, "Look at the tall one.", bars), ("Queue", "It grows.", go.Figure())]


def test_report_needs_nothing_else() -> None:
    page = Page(html_report(hand_run(), figures(), COMMAND))
    assert "".join(page.scripts).count(get_plotlyjs().strip()) == 1
    for tag, attributes in page.tags:
        assert "src" not in attributes, f"<{tag}> loads {attributes['src']}"
        assert tag != "link"
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert sum('"showSendToCloud": false' in script for script in page.scripts) == len(figures())


def test_report_says_what_the_run_was() -> None:
    page = Page(html_report(hand_run(), figures(), COMMAND))
    for words in (
        "Seven requests",
        "Do the numbers add up?",
        "5 of 7",
        "1, 0, 1, 0",
        "2.8 s",
        "P99.9",
        "50.0 %",
        "Look at the tall one.",
        COMMAND,
        "name: hand",
        '"engine": "hand"',
    ):
        assert words in page.text, f"{words} is missing"
    assert page.count("details") == 2
    assert page.count("figure") == 2


def test_nothing_from_outside_becomes_markup() -> None:
    run = hand_run(title=EVIL, question=EVIL)
    run = dataclasses.replace(run, provenance={"engine": EVIL})
    safe = Page(html_report(hand_run(), figures(), COMMAND))
    page = Page(html_report(run, figures(EVIL), EVIL))
    assert page.count("script") == safe.count("script")
    assert page.count("img") == 0
    assert page.text.count(EVIL) >= 4
    code = "".join(page.scripts)
    assert "alert(1)" in code, "the figure's own words are in its data"
    assert "<script>alert" not in code


def test_dark_and_light() -> None:
    text = html_report(hand_run(), [], COMMAND)
    assert "prefers-color-scheme: dark" in text
    assert "color-scheme: light dark" in text


def test_report_without_figures_is_small() -> None:
    assert len(html_report(hand_run(), [], COMMAND)) < 20_000


def test_report_stays_small_with_many_tenants() -> None:
    run = simulate(load_scenario("paper", ["phases.0.requests=20", "phases.1.requests=20"]))
    data = run.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    tenants = [{"name": f"t{i}", "share": 1 / 500} for i in range(500)]
    many = type(run.scenario).model_validate(data | {"tenants": tenants})
    big = simulate(many)
    text = html_report(big, [], COMMAND)
    assert "more rows are in metrics.csv" in text
    assert text.count("<tr>") < 200


def test_equal_runs_give_equal_reports() -> None:
    assert html_report(hand_run(), figures(), COMMAND) == html_report(
        hand_run(), figures(), COMMAND
    )


def test_report_of_a_run_in_which_nothing_finished() -> None:
    run = hand_run()
    lost = run.requests[run.requests["status"] != "finished"].reset_index(drop=True)
    text = html_report(dataclasses.replace(run, requests=lost), [], COMMAND)
    assert "0 of 2" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0.0, "0 ms"),
        (1.26, "1.3 ms"),
        (850.4, "850 ms"),
        (999.6, "1.0 s"),
        (12_340, "12.3 s"),
        (99_960, "1 min 40 s"),
        (245_000, "4 min 05 s"),
        (np.nan, "–"),
    ],
)
def test_durations(milliseconds: float, words: str) -> None:
    assert seconds(milliseconds) == words


def test_numbers() -> None:
    assert [number(x) for x in (12345, 1234.5, 0.123456, -0.0, None, np.nan, "x")] == [
        "12,345",
        "1,234",
        "0.1235",
        "0",
        "–",
        "–",
        "x",
    ]
