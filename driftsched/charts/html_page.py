"""A report of anything: one HTML page that opens offline, or a Markdown text.

plotly.js is inside once; the page is light or dark as its reader's system is. All text is escaped:
names, titles and reasons cannot become markup or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import NamedTuple, TypeAlias

import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.theme import look_at
from driftsched.results.wording import number

__all__ = ["Code", "Part", "Picture", "Section", "html_page", "markdown_page"]

# Nothing may be loaded from anywhere; plotly's WebGL traces compile their shaders' code by eval.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False}
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
{plotly}
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
{script}
</body>
</html>
"""
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


class Picture(NamedTuple):
    """A figure with a sentence of its own that says what to look at."""

    figure: go.Figure
    look_at: str


class Code(NamedTuple):
    """Text as it is: a command, a program, a file; behind `folded`, where that says something."""

    text: str
    folded: str = ""


Part: TypeAlias = "str | Mapping[str, str] | pd.DataFrame | go.Figure | Picture | Code"
"""A paragraph, a few numbers by what they are called, a table, a figure, text as it is."""


class Section(NamedTuple):
    """What stands below a heading, which may be empty; `level` 3 belongs to the one before."""

    heading: str
    parts: Sequence[Part]
    level: int = 2


def html_page(title: str, sections: Sequence[Section]) -> str:
    """Build a page that needs nothing else; equal sections give equal pages."""
    parts = [part for section in sections for part in section.parts]
    drawn = any(isinstance(part, go.Figure | Picture) for part in parts)
    return PAGE.format(
        policy=POLICY,
        title=escape(title),
        style=_text("report.css"),
        plotly=_plotly() if drawn else "",
        body="\n".join(_sections(sections)),
        script=f"<script>\n{_text('report.js')}</script>" if drawn else "",
    )


def _sections(sections: Sequence[Section]) -> Iterator[str]:
    figures = 0
    for section in sections:
        if section.heading:
            yield f"<h{section.level}>{escape(section.heading)}</h{section.level}>"
        for part in section.parts:
            if isinstance(part, go.Figure | Picture):
                picture = part if isinstance(part, Picture) else Picture(part, look_at(part))
                yield _figure(figures, *picture)
                figures += 1
            else:
                yield _html(part)


def _html(part: str | Mapping[str, str] | pd.DataFrame | Code) -> str:
    if isinstance(part, str):
        return f'<p class="note">{escape(part)}</p>'
    if isinstance(part, pd.DataFrame):
        return _table(part)
    if isinstance(part, Code):
        code = f"<pre><code>{escape(part.text)}</code></pre>"
        summary = f"<summary>{escape(part.folded)}</summary>"
        return f"<details>{summary}{code}</details>" if part.folded else code
    cells = (f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in part.items())
    return f'<dl class="numbers">{"".join(cells)}</dl>'


def _figure(place: int, figure: go.Figure, said: str) -> str:
    import plotly.io

    # A layout made at once lists its axes in no certain order; equal runs give equal bytes.
    parts = figure.to_plotly_json()
    parts["layout"] = dict(sorted(parts["layout"].items()))
    # to_html escapes <, > and / inside the figure's JSON.
    drawn = plotly.io.to_html(
        parts,
        config=CONFIG,
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        div_id=f"figure-{place}",
    )
    return f"<figure>\n{drawn}\n<figcaption>{escape(said)}</figcaption>\n</figure>"


def _table(table: pd.DataFrame) -> str:
    heads = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = (
        "<tr>" + "".join(f"<td>{escape(number(value))}</td>" for value in row) + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    body = "\n".join(rows)
    return f'<div class="wide"><table>\n<tr>{heads}</tr>\n{body}\n</table></div>'


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"


@cache
def _text(name: str) -> str:
    return files("driftsched.charts").joinpath(name).read_text(encoding="utf-8")


def markdown_page(title: str, sections: Sequence[Section]) -> str:
    """The same as Markdown, of figures what to look at; what is folded away in HTML is left out."""
    lines = [f"# {_plain(title)}"]
    for section in sections:
        said = [_markdown(part) for part in section.parts]
        if section.heading and (any(said) or not said):
            lines.append(f"{'#' * section.level} {_plain(section.heading)}")
        lines += [text for text in said if text]
    return "\n\n".join(lines) + "\n"


def _markdown(part: Part) -> str:
    if isinstance(part, str):
        return _plain(part)
    if isinstance(part, go.Figure | Picture):
        return ""
    if isinstance(part, Code):
        return "" if part.folded else "\n".join(f"    {line}" for line in part.text.splitlines())
    if isinstance(part, pd.DataFrame):
        rows = [list(map(str, part.columns)), ["---"] * len(part.columns)]
        rows += [list(map(number, row)) for row in part.itertuples(index=False, name=None)]
        cells = [[cell if n == 1 else _plain(cell) for cell in row] for n, row in enumerate(rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return "\n".join(f"- {_plain(name)}: {_plain(value)}" for name, value in part.items())


def _plain(text: str) -> str:
    """Text as Markdown that shows just that."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
