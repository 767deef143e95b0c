"""Text of somebody else's in Markdown: all of it is read, and none of it does anything."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import driftsched
from driftsched.studio.show import without_links
from driftsched.studio.words import plain
from tests.support.markdown import read

TEXTS = [
    "seed must be >= 0, got -1",
    "![p](https://evil.example/p.png)",
    "[l][r] <img src=x> <a href='//x'>y</a>",
    "www.evil.example and a@evil.example and HTTP://EVIL.example",
    "# no heading",
    "- no item",
    "1. no item",
    ":red[no colour] :material/home: :smile:",
    "`no code` *no* _no_ ~no~ $x$ | a | &amp; \\",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_as_it_was_sent(text: str) -> None:
    assert read(plain(text)) == text
    assert read(plain(f"{text}\n\n{text}")) == f"{text} {text}"


def test_addresses_are_parted() -> None:
    """What looks like one becomes a link by itself."""
    shown = plain("https://evil.example www.evil.example a@evil.example")
    assert "://" not in shown
    assert "www." not in shown
    assert "@e" not in shown


@pytest.mark.parametrize("sign", ["<", "\\u003c", "\\u003C"])
def test_words_in_a_chart_make_no_links(sign: str) -> None:
    """plotly.js draws the anchors of HTML, wherever they lead."""
    figure = f'{{"text": "{sign}a href=\'//evil.example\'>x{sign}/a>{sign}br>{sign}b>y"}}'
    found = without_links(figure)
    assert f"{sign}a" not in found
    assert f"{sign}br>" in found
    assert f"{sign}b>" in found


FORMER = re.compile(r"\b(goals|objectives?|correction)\b", re.IGNORECASE)
"""What an SLO and compensation are not called."""


@pytest.mark.parametrize("folder", ["studio", "charts", "cli"])
def test_one_thing_has_one_name(folder: str) -> None:
    """Whoever reads of goals, objectives and SLOs looks for three things."""
    for path in (Path(driftsched.__file__).parent / folder).rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docs]
        said = [n.value for n in texts if isinstance(n.value, str) and FORMER.search(n.value)]
        assert said == [], path.name
