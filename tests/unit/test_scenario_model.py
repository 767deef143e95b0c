"""The rules of a scenario: each broken one gives one line with path, rule and value."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.core.errors import ScenarioError
from driftsched.scenario import apply_overrides, load_scenario, parse_scenario

PAPER: dict[str, Any] = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
JARGON = re.compile(
    r"valid (integer|number|string|tuple|dictionary|boolean)|pars|Input should|instance of|"
    r"pydantic|[<>]=? \d+\.0\b|None|True|False"
)


def broken(override: str) -> str:
    with pytest.raises(ScenarioError) as error:
        parse_scenario(apply_overrides(PAPER, [override]))
    return str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tenants.0.weight=true", "tenants[0].weight must be a number, got true"),
        ("tenants.0.weight=0", "tenants[0].weight must be > 0, got 0"),
        ("tenants.0.weight=abc", "tenants[0].weight must be a number, got 'abc'"),
        ("tenants.0.weight=null", "tenants[0].weight must be a number, got null"),
        ("tenants.0.weight=.nan", "tenants[0].weight must be a finite number, got nan"),
        ("tenants.0.weight=.inf", "tenants[0].weight must be a finite number, got inf"),
        ("tenants.0.weight=1e999", "tenants[0].weight must be a finite number, got '1e999'"),
        ("tenants.0.weight=1001", "tenants[0].weight must be <= 1000, got 1001"),
        ("tenants.0.wieght=1", "tenants[0].wieght is not a field of a scenario (did you mean "),
        ("tenants.0.name=true", "tenants[0].name must be text, got true"),
        ("tenants.0.name='a b'", "tenants[0].name must be 1 to 40 letters, digits"),
        ("tenants.0.tier=gold", "tenants[0].tier must be 'premium', 'standard' or 'batch', got"),
        ("tenants.0.share=0.9", "tenants: shares must add up to 1, got 1.5666 (premium 0.9"),
        ("tenants.1.name=premium", "tenants: names must be unique, got 'premium' 2 times"),
        ("tenants.0.limits={waiting: -1}", "tenants[0].limits.waiting must be >= 0, got -1"),
        ("tenants.0.limits={waiting: 1.5}", "tenants[0].limits.waiting must be a whole number"),
        # tokens of a text are its words over this; so many no number holds
        ("categories.0.words_per_token=1e-300", "categories[0].words_per_token must be >= 0.05"),
        ("tenants=[]", "tenants must not be empty, got []"),
        ("tenants=[1]", "tenants[0] must be a mapping of fields, got 1"),
        ("tenants.0={}", "tenants[0].name is required"),
        ("seed=true", "seed must be a whole number, got true"),
        ("seed=1.5", "seed must be a whole number, got 1.5"),
        ("seed=4294967296", "seed must be < 4294967296, got 4294967296"),
        ("schema=2", "schema must be 1, got 2"),
        ("prompts.leak='yes'", "prompts.leak must be true or false, got 'yes'"),
        ("prompts.leak=1", "prompts.leak must be true or false, got 1"),
        ("title=2020-01-01", "title must be text, got"),
        ("phases=[]", "scenario needs either phases or a trace, got neither"),
        ("trace={file: x.csv}", "scenario needs either phases or a trace, got both"),
        ("phases=null", "phases must be a list, got null"),
        ("phases.0.requests=null", "phases[0]: needs exactly one of requests and duration_s"),
        ("phases.1.name=learning", "phases: names must be unique, got 'learning' 2 times"),
        ("phases.0.arrivals.low_s=-1", "phases[0].arrivals.low_s must be >= 0, got -1"),
        ("phases.0.arrivals={kind: poisson, rate_rps: -1}", "arrivals.rate_rps must be > 0, got"),
        ("phases.0.arrivals={kind: poisson, rate_rps: 1e+300}", "mean gap must be from 1e-06"),
        ("phases.0.arrivals={kind: poisson, rate_rps: true}", "rate_rps must be a number, got tr"),
        ("phases.0.arrivals.kind=nope", "phases[0].arrivals must have a kind of 'uniform'"),
        ("phases.0.arrivals={}", "phases[0].arrivals needs a kind"),
        ("phases.0.mix={}", "phases[0].mix: shares must add up to 1, got 0"),
        ("phases.0.mix={nope: 1}", "phases[0].mix must name one of short_qa, summary"),
        ("phases.0.mix={report: -1, short_qa: 2}", "phases[0].mix: report must be >= 0, got -1"),
        ("phases.0.mix={report: true}", "phases[0].mix: report must be a number, got true"),
        ("phases.0.mix={1: 1}", "phases[0].mix must have names that are text, got 1"),
        ("phases.0.shares={nobody: 1}", "phases[0].shares must name one of premium"),
        ("categories.0.keywords=['']", "categories[0].keywords[0] must not be empty, got ''"),
        ("categories.0.keywords=[true]", "categories[0].keywords must be free of true and false"),
        ("categories.0.prompt_tokens={kind: uniform, low: 0, high: 2}", "prompt_tokens.low must "),
        ("categories.0.output_tokens={kind: uniform, low: 9, high: 2}", "high must be >= low (9)"),
        ("cluster.gpu=nope", "cluster.gpu: GPU must be one of T4, L4"),
        ("cluster.context_tokens=1" + "0" * 5000, "not YAML"),
        ("cluster.context_tokens=1" + "0" * 30, "cluster.context_tokens must be <= 1000000000"),
        ("metrics.percentiles=[50, 50]", "metrics.percentiles: percentiles must be unique, got"),
        ("metrics.percentiles=[100]", "metrics.percentiles[0] must be < 100, got 100"),
        ("policy={kind: aging, rat: 1}", "policy.rat is not a field of a scenario"),
        ("estimator.size_classes={short: 9, medium: 2}", "medium must be > short (9), got 2"),
    ],
)
def test_broken_rule_is_one_plain_line(override: str, message: str) -> None:
    """A user must see which field breaks which rule by which value, in words."""
    said = broken(override)
    assert message in said
    assert "\n" not in said
    assert not JARGON.search(said), said


WRONG = st.sampled_from(
    [True, None, "x", "", [], [1], {}, {"a": 1}, -1, -0.5, 10**40, 1e308, float("nan"), "\n", "1e9"]
)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    found = []
    for key, value in pairs:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += leaves(value, (*path, key))
    return found


@settings(deadline=None)
@given(st.sampled_from(leaves(PAPER)), WRONG)
def test_any_wrong_value_is_taken_or_refused_in_one_plain_line(
    path: tuple[Any, ...], value: object
) -> None:
    """Wherever a value is wrong, the message is ours: no traceback, no jargon, one line."""
    data = json.loads(json.dumps(PAPER))
    node = data
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    try:
        parse_scenario(data)
    except ScenarioError as error:
        said = str(error)
        assert "\n" not in said
        assert len(said) <= 500
        assert not re.search(r"Input should|unable to|instance of|valid (integer|tuple)", said), (
            said
        )


def test_thousand_tenants_that_do_not_add_up_are_not_all_listed() -> None:
    """A message of a thousand names would hide what is wrong."""
    rows = [PAPER["tenants"][0] | {"name": f"t{n}"} for n in range(1000)]
    said = broken(f"tenants={json.dumps(rows)}")
    assert "and 992 more" in said
    assert len(said) < 300
