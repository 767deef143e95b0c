"""What a sweep runs: parameters × values, crossed or drawn, as points that have an identity."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from driftsched import __version__
from driftsched.core.config import Config
from driftsched.core.errors import InputError
from driftsched.core.home import trace_path
from driftsched.experiments.sweeps.parameter import MOST_POINTS, WHAT_IF, Parameter
from driftsched.experiments.traffic import MADE_OF
from driftsched.results.files import io_errors
from driftsched.scenario import (
    Scenario,
    parse_scenario,
)
from driftsched.scenario.differences import plain_data
from driftsched.scenario.messages import one_line, shown
from driftsched.scenario.yaml_text import set_value

__all__ = ["Point", "Sweep", "plan", "read_plan", "scenario_at"]

FIELDS = {"policy": "policy.kind"}
"""Short names of fields."""
SAMPLE = re.compile(r"(lhs|random):(\d+)")
TRIED = 200
"""So many points are tried for one that is a scenario, before a sweep is refused."""


class Point(NamedTuple):
    """One scenario of a sweep: what is set in it, and a name that nothing else has."""

    key: str
    settings: dict[str, Any]


class Sweep(Config):
    """What is asked of a sweep, and all that its results depend on.

    Attributes
    ----------
    scenario : Scenario
        What the parameters change.
    over : tuple of str
        One text a parameter, as `Parameter.parse` reads it.
    sample : str
        Empty: all values are crossed. ``lhs:200`` or ``random:200``: so many settings are drawn
        (Latin hypercube, McKay, Beckman and Conover 1979; or independently), each of which every
        ``policy`` serves.
    seeds : int
        Replications of a point.
    version, trace_sha256 : str
        Whose engine it is, and the content of the scenario's trace.
    """

    scenario: Scenario
    over: tuple[str, ...] = Field(min_length=1, max_length=12)
    sample: str = Field("", max_length=30)
    seeds: int = Field(1, ge=1, le=10_000)
    version: str = __version__
    trace_sha256: str = ""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the order asked for."""
        data = plain_data(self.scenario)
        found = tuple(Parameter.parse(text, data) for text in self.over)
        name, count = Counter(parameter.name for parameter in found).most_common(1)[0]
        if count > 1:
            raise InputError(f"over must name a parameter once, got {shown(name)} {count} times")
        return found

    @cached_property
    def size(self) -> int:
        """How many points are listed; of equal ones there will be one.

        Raises
        ------
        InputError
            When they cannot be listed.
        """
        if self.sample:
            policies = [len(p.values) for p in self.parameters if p.name == "policy"]
            if len(policies) == len(self.parameters):
                raise InputError("sample must have a parameter to draw, got policy alone")
            count = self._settings * prod(policies)
        else:
            for parameter in self.parameters:
                if not parameter.values:
                    raise InputError(
                        f"{parameter.name} must have steps, as in {parameter.low:g}:"
                        f"{parameter.high:g}:8, or be drawn, as by sample lhs:200"
                    )
            count = prod(len(parameter.values) for parameter in self.parameters)
        return count

    @property
    def _settings(self) -> int:
        """How many settings are drawn."""
        match = SAMPLE.fullmatch(self.sample)
        if match is None or not int(match[2]):
            raise InputError(f"sample must be lhs:200 or random:200, got {shown(self.sample)}")
        return int(match[2])

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """All points, each once; those that share their traffic stand together.

        Raises
        ------
        InputError
            When they cannot be listed, or are too many.
        """
        if self.size > MOST_POINTS:
            raise InputError(f"a sweep must have at most {MOST_POINTS} points, got {self.size}")
        settings = self._drawn() if self.sample else self._crossed()
        order = [parameter.name for parameter in self.parameters]
        found: dict[str, Point] = {}
        for each in settings:
            point = Point(self._key(each), {name: each[name] for name in order})
            found.setdefault(point.key, point)
        return tuple(found.values())

    @cached_property
    def sweep_id(self) -> str:
        """A name for what is asked: the same for the same."""
        return f"{self.scenario.name}-{_digest([self._base, self.over, self.sample])[:10]}"

    @cached_property
    def _base(self) -> str:
        return _digest(json.loads(self.model_dump_json(exclude={"over", "sample"}, by_alias=True)))

    def _key(self, settings: Mapping[str, Any]) -> str:
        return _digest([self._base, settings])[:16]

    def _crossed(self) -> Iterator[dict[str, Any]]:
        axes = sorted(self.parameters, key=_traffic_first)
        for values in product(*(axis.values for axis in axes)):
            yield {axis.name: value for axis, value in zip(axes, values, strict=True)}

    def _drawn(self) -> Iterator[dict[str, Any]]:
        axes = [p for p in self.parameters if p.name != "policy"]
        served = [p for p in self.parameters if p.name == "policy"]
        rng = np.random.default_rng(self.scenario.seed)
        if self.sample.startswith("lhs"):
            from scipy.stats.qmc import LatinHypercube  # half a second, for each worker too

            shares = LatinHypercube(len(axes), rng=rng).random(self._settings)
        else:
            shares = rng.random((self._settings, len(axes)))
        columns = [axis.drawn(shares[:, place]) for place, axis in enumerate(axes)]
        for values in zip(*columns, strict=True):
            settings = {axis.name: value for axis, value in zip(axes, values, strict=True)}
            for policies in served:
                yield from (settings | {"policy": policy} for policy in policies.values)
            if not served:
                yield settings


def plan(scenario: Scenario, over: Sequence[str], *, sample: str = "", seeds: int = 1) -> Sweep:
    """Say what a sweep runs.

    Raises
    ------
    InputError
        When a parameter, the sample or the number of seeds is wrong, or no point is a scenario;
        points that are none beside others that are will be told with their reason.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> sweep = plan(load_scenario("paper"), ["policy=fifo,sjf", "load=0.5:1.2:8"])
    >>> len(sweep.points), sweep.points[0].settings
    (16, {'policy': 'fifo', 'load': 0.5})
    """
    asked = {"scenario": scenario, "over": tuple(over), "sample": sample, "seeds": seeds}
    return read_plan(asked | {"trace_sha256": _trace_sha256(scenario)})


def read_plan(asked: Mapping[str, Any]) -> Sweep:
    """Read what `Sweep` holds from plain data, and check it as `plan` does."""
    try:
        sweep = Sweep.model_validate(asked)
    except ValidationError as error:
        raise InputError(one_line(error, Sweep, "sweep")) from None
    if sweep.version != __version__:
        raise InputError(f"version must be {__version__}, ours, got {sweep.version!r}")
    if sweep.trace_sha256 != _trace_sha256(sweep.scenario):
        raise InputError("trace must be the file that the sweep began with, got another content")
    refused: InputError | None = None
    for point in islice(sweep.points, TRIED):
        try:
            scenario_at(sweep.scenario, point.settings)
        except InputError as error:
            refused = refused or error
        else:
            return sweep
    assert refused is not None
    raise refused


def scenario_at(scenario: Scenario, settings: Mapping[str, Any]) -> Scenario:
    """Copy of a scenario with a point's settings; the policy is set before its parameters.

    Raises
    ------
    InputError
        When they break a rule.
    """
    data = plain_data(scenario)
    fields = {FIELDS.get(name, name): v for name, v in settings.items() if name not in WHAT_IF}
    for name in sorted(fields, key=lambda name: not name.endswith("kind")):
        set_value(data, name, fields[name])
    found = parse_scenario(data)
    for name, change in WHAT_IF.items():
        if name in settings:
            factor = settings[name]
            if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
                raise InputError(f"{name} must be a number > 0, got {shown(factor)}")
            found = change(found, float(factor))
    return found


def _trace_sha256(scenario: Scenario) -> str:
    if scenario.trace is None:
        return ""
    file = scenario.trace.file
    with io_errors(f"read {file}"), trace_path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _traffic_first(parameter: Parameter) -> int:
    """What changes the requests varies slowest, so that they are generated once."""
    if parameter.name == "policy":
        return 2
    makes = {*MADE_OF, *WHAT_IF, "seed"}
    return 0 if parameter.name.partition(".")[0] in makes else 1


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
