"""The same colour for the same name everywhere, and one that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from driftsched.charts import (
    arrivals,
    lab,
    latency_cdf,
    queue_depth,
    tenant_percentile,
    tenants,
    theme,
)
from driftsched.estimation.compensators import COMPENSATORS
from tests.unit.chart_tables import (
    CATEGORIES,
    POLICIES,
    TENANTS,
    arrivals_table,
    percentiles_table,
    queues_table,
    requests_table,
)


def test_a_policy_has_one_colour_whatever_stands_beside_it() -> None:
    requests = requests_table()
    alone = latency_cdf({"sjf": requests})
    among = tenants(dict.fromkeys(reversed(POLICIES), requests))
    marks = tenant_percentile(percentiles_table().assign(group="premium"), 50)
    colours = {alone.data[0].line.color}
    colours |= {trace.line.color for trace in among.data if trace.name == "SJF"}
    colours |= {trace.marker.color for trace in marks.data if trace.name == "SJF"}
    assert colours == {theme.policy_colours(["sjf"])["sjf"]}


def test_a_tenant_has_one_colour_on_every_page() -> None:
    figures = [
        queue_depth(queues_table()),
        arrivals(arrivals_table()),
    ]
    seen = {
        trace.line.color for figure in figures for trace in figure.data if trace.name == "batch"
    }
    assert seen == {theme.tenant_colours(["batch"])["batch"]}


@pytest.mark.parametrize(
    "colours", [theme.policy_colours, theme.tenant_colours, theme.category_colours]
)
def test_unknown_names_never_take_the_colour_of_a_known_one(
    colours: Callable[[list[str]], dict[str, str]],
) -> None:
    names = ["mine", "fifo", "premium", "short_qa", "yours", "batch", "sjf", "report"]
    assert len(set(colours(names).values())) == len(names)


def luminance(colour: str) -> float:
    return float(np.dot([0.2126, 0.7152, 0.0722], linear(colour)))


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_each_compensator_has_a_colour_of_its_own() -> None:
    """RLS once had hierarchical's, the conformal bound the quantile's."""
    assert lab.COLOURS.keys() == COMPENSATORS.keys()
    assert len({*lab.COLOURS.values()}) == len(lab.COLOURS)


@pytest.mark.parametrize("colour", [*theme.PALETTE, *lab.COLOURS.values()])
def test_colours_are_readable_on_white_and_on_dark(colour: str) -> None:
    dark = luminance("#0e1117")
    assert 1.05 / (luminance(colour) + 0.05) >= 2.99
    assert (luminance(colour) + 0.05) / (dark + 0.05) >= 3


DEUTERANOPIA = np.array(
    [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
)  # Machado, Oliveira and Fernandes 2009, severity 1
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


@pytest.mark.parametrize("sight", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
@pytest.mark.parametrize(
    "colours",
    [
        theme.policy_colours(POLICIES),
        theme.tenant_colours(TENANTS),
        theme.category_colours(CATEGORIES),
    ],
)
def test_fixed_colours_differ_for_the_colour_blind(
    colours: dict[str, str], sight: np.ndarray
) -> None:
    seen = [np.clip(sight @ linear(colour), 0, 1) ** (1 / 2.4) for colour in colours.values()]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 0.17


def test_a_tenant_and_a_category_never_share_a_colour() -> None:
    """In one picture, blue must not be a tenant here and a category there."""
    tenants, categories = ["premium", "standard", "batch", "x", "y"], ["short_qa", "a", "report"]
    for given in (tenants, ["a", "b", "c", "d", "e"]):
        assert not {*theme.tenant_colours(given).values()} & {
            *theme.category_colours(categories).values()
        }
