"""What a sweep runs: parameters × values, crossed or drawn, as points that have an identity."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from driftsched.experiments.traffic import MADE_OF
from driftsched.results.files import io_errors
from driftsched.scenario import (
    Scenario,
    parse_scenario,
    with_burstiness,
    with_length_step,
    with_load,
)
from driftsched.scenario.differences import plain_data
from driftsched.scenario.messages import one_line, shown
from driftsched.scenario.yaml_text import read_yaml, set_value

__all__ = ["WHAT_IF", "Parameter", "Point", "Sweep", "plan", "read_plan", "scenario_at"]

WHAT_IF: dict[str, Callable[[Scenario, float], Scenario]] = {
    "load": with_load,
    "burstiness": with_burstiness,
    "length_step": with_length_step,
}
"""Parameters that are no field of a scenario, and what makes them of it; each is above 0."""
FIELDS = {"policy": "policy.kind"}
"""Short names of fields."""
NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?\d+)?)"
RANGE = re.compile(rf"\s*{NUMBER}:{NUMBER}(?::(\d+))?(:log)?\s*")
SAMPLE = re.compile(r"(lhs|random):(\d+)")
MOST_POINTS = 100_000
TRIED = 200
"""So many points are tried for one that is a scenario, before a sweep is refused."""


class Parameter(NamedTuple):
    """A field of the scenario, ``policy``, or one of `WHAT_IF`, and the values that it takes.

    Attributes
    ----------
    name : str
        Dotted, list items by number, as ``--set`` has it.
    values : tuple
        What is listed; empty for a range, whose values are drawn.
    low, high : float
        Ends of the range, where there is one.
    whole, log : bool
        Whether it has whole numbers only, and is even in the logarithm.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @classmethod
    def parse(cls, text: str, data: Mapping[str, Any] | None = None) -> Parameter:
        """Read ``policy=fifo,sjf``, ``load=0.5:1.2:8`` (so many even steps) or ``load=0.5:1.2``.

        ``:log`` behind a range makes it even in the logarithm. Of a field that has a whole number
        in `data`, the scenario, it gives whole numbers; of one that is not there where both ends
        are written without a point.

        Raises
        ------
        InputError
            One line that names the parameter.
        """
        name, found, written = text.partition("=")
        name = name.strip()
        if not found or not all(name.split(".")):
            raise InputError(f"a parameter must be name=values, got {shown(text)}")
        if (match := RANGE.fullmatch(written)) is not None:
            return cls._range(name, _kind(name, data or {}), *match.groups())
        values = read_yaml(f"[{written}]", f"values of {shown(name)}")
        if not isinstance(values, list) or not values:
            raise InputError(f"{shown(name)} must have values, got none")
        return cls(name, tuple(values))

    @classmethod
    def _range(
        cls, name: str, kind: type, start: str, end: str, steps: str | None, log: str | None
    ) -> Parameter:
        try:
            low, high = float(start), float(end)
        except ValueError:
            raise InputError(f"{name} must be a range, got {start}:{end}") from None
        whole = kind is int or (kind is type(None) and not re.search("[.eE]", start + end))
        if not low < high or (log and low <= 0):
            rule = "have ends above 0, the lower first," if log else "have its lower end first,"
            raise InputError(f"{name} must {rule} got {start}:{end}")
        found = cls(name, (), low, high, whole, bool(log))
        if steps is None:
            return found
        if not 2 <= int(steps) <= MOST_POINTS:
            raise InputError(f"{name} must have at least 2 steps, got {steps}")
        even = found.between(np.linspace(0, 1, int(steps)))
        return found._replace(values=tuple(dict.fromkeys(even)))

    def between(self, shares: Sequence[float] | np.ndarray[Any, Any]) -> list[Any]:
        """Values at these shares, 0 to 1, of the way from the low end to the high one."""
        at = np.asarray(shares, dtype=np.float64)
        low, high = (np.log([self.low, self.high])) if self.log else (self.low, self.high)
        values = low + at * (high - low)
        values = np.exp(values) if self.log else values
        return [round(v) if self.whole else float(f"{v:.6g}") for v in values.tolist()]

    def drawn(self, shares: np.ndarray[Any, Any]) -> list[Any]:
        """Values at uniform draws from [0, 1): of a list, or of whole numbers, each as likely."""
        if self.values:
            return [self.values[int(share * len(self.values))] for share in shares]
        if self.whole and not self.log:
            return [int(self.low + int(s * (self.high - self.low + 1))) for s in shares]
        return self.between(shares)


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


def _kind(name: str, data: Mapping[str, Any]) -> type:
    """Type of what a field holds; of `WHAT_IF` float, of what is not there None's."""
    if name in WHAT_IF:
        return float
    node: Any = data
    for part in name.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            node = node.get(part) if isinstance(node, dict) else None
    return type(node)


def _traffic_first(parameter: Parameter) -> int:
    """What changes the requests varies slowest, so that they are generated once."""
    if parameter.name == "policy":
        return 2
    makes = {*MADE_OF, *WHAT_IF, "seed"}
    return 0 if parameter.name.partition(".")[0] in makes else 1


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
