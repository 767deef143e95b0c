"""The figures in docs/hardware.md are those that the model computes."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from driftsched.scenario import parse_scenario
from driftsched.scenario.yaml_text import read_yaml
from driftsched.serving import GPUS, MODELS, STACKS
from driftsched.serving.measurements import Measurement, published
from tests.support.scenarios import small

DOCS = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text(encoding="utf-8")


def table_lines() -> list[str]:
    """The comparison as Markdown: a line for each set-up, measured → model (error) a column."""

    def set_up(row: Measurement) -> tuple[str, str, str, int]:
        return row.part, row.gpu, row.model, row.tensor_parallel

    lines = []
    for (part, gpu, model, tensor_parallel), rows in groupby(published(), set_up):
        cells = []
        for row in rows:
            error = f"{100 * row.error():+.0f} %"
            cells.append(f"{row.tokens}: {row.measured:g} → {row.predicted():.1f} ({error})")
        gpus = f"{tensor_parallel} × {gpu}" if tensor_parallel > 1 else gpu
        lines.append(f"| {part} | {model} on {gpus} | {' · '.join(cells)} |")
    return lines


def test_the_comparison_is_what_the_model_says() -> None:
    """A table of figures that nobody computes would claim an accuracy that is not there."""
    missing = [line for line in table_lines() if line not in DOCS]
    assert not missing


def test_every_example_is_a_valid_cluster() -> None:
    """A reader copies them."""
    examples = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    assert len(examples) >= 4
    base = small().model_dump(mode="json", by_alias=True, exclude_none=True)
    for example in examples:
        cluster = read_yaml(example, "example")["cluster"]
        parse_scenario(base | {"cluster": cluster}).cluster.build_cost()


def test_the_whole_catalogue_is_named() -> None:
    """A row that the documentation does not show is hard to find."""
    for name in (*GPUS, *MODELS, *STACKS):
        assert f"`{name}`" in DOCS
