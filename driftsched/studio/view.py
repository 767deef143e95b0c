"""What a session looks at: one object, and how it stands in the page's link. No streamlit here.

A field's query parameter is its alias, else its name; its text is read by the field's own type, and
what has its default is not written. So a new choice on a page is one line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from driftsched.core.errors import InputError
from driftsched.scenario import Scenario, with_burstiness, with_length_step, with_load
from driftsched.scenario.messages import one_line, shown
from driftsched.scheduling.policies import PAPER_POLICIES, POLICIES, PolicySpec
from driftsched.studio.link import plain_value, preset, read_scenario, scenario_params
from driftsched.studio.words import METRICS, choice_label, policy_label

__all__ = ["BOUNDS", "View", "labels", "parameters", "read_link"]

MAX_LINK, MOST_PROBLEMS = 60_000, 20
"""Characters of a link that is read, and lines said about it."""
SCENARIO = ("preset", "set", "scenario")
BOUNDS = {"load": (0.1, 4.0), "bursts": (0.1, 8.0), "step": (0.25, 4.0), "replications": (2, 40)}


class Labels:
    """Marks a field with few values, each of which stands in the link by its label."""

    def __init__(self, names: Mapping[Any, str]) -> None:
        self.names = dict(names)

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Read and write by the labels."""
        written = core_schema.plain_serializer_function_ser_schema(self.names.__getitem__)
        return core_schema.no_info_plain_validator_function(self._read, serialization=written)

    def _read(self, value: Any) -> Any:
        for name, label in self.names.items():
            if value in (name, label):
                return name
        known = ", ".join(self.names.values())
        raise PydanticCustomError("choice", "must be one of {known}", {"known": known})


def _labelled(*names: str) -> Labels:
    return Labels({name: choice_label(name) for name in names})


Split = Labels({"overall": "All requests", "tenant": "By tenant", "category": "By category"})
Scope = Labels({"overall": "All tenants together", "tenant": "Each tenant"})
World = Labels({"simulated": "Simulated", "live": "Live"})
Metric = Labels({name: label for name, (label, _) in METRICS.items()})
Level = Annotated[float, Labels({level: f"P{level:g}" for level in (50.0, 95.0, 99.0)})]
OnePolicy = Annotated[str, Labels({name: policy_label(name) for name in POLICIES})]


def _policies(value: str | Sequence[str]) -> tuple[str, ...]:
    """In the order of the registry; of a link it is text."""
    if value == "":
        raise PydanticCustomError("choice", "must name at least one policy")
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name for name in POLICIES if name in names)


def _known_policies(text: str, problems: list[str]) -> str | None:
    """The names that are policies, None where there are only others; those are one line."""
    names = [name for name in text.split(",") if name]
    wrong = [name for name in names if name not in POLICIES]
    if wrong:
        problems.append(f"policies must be among {', '.join(POLICIES)}, got {shown(wrong)[1:-1]}")
    known = ",".join(name for name in names if name in POLICIES)
    return None if wrong and not known else known


def _tuned(value: Any) -> Any:
    """Read texts such as ``aging.rate=0.02``; the model of the policy knows their types."""
    if not all(isinstance(text, str) for text in value):
        return value
    wanted: dict[str, dict[str, Any]] = {}
    for text in value:
        name, _, written = text.partition("=")
        policy, _, parameter = name.partition(".")
        if policy not in POLICIES or parameter not in POLICIES[policy].model_fields:
            raise ValueError(f"must be policy.parameter=value, got {text[:60]!r}")
        wanted.setdefault(policy, {})[parameter] = plain_value(written)
    return tuple(_spec(kind, given) for kind, given in wanted.items())


def _spec(kind: str, given: dict[str, Any]) -> PolicySpec:
    try:
        return POLICIES[kind](kind=kind, **given)
    except ValidationError as error:
        raise ValueError(f"{kind}.{one_line(error, PolicySpec, 'policy')}") from None


def _right_ones(texts: Sequence[str], problems: list[str]) -> list[str]:
    """Those of the texts that `_tuned` reads; each other is a line."""
    right = []
    for text in texts:
        try:
            _tuned([text])
            right.append(text)
        except ValueError as error:
            problems.append(f"tune {error}")
    return right


def _tuned_texts(specs: Sequence[PolicySpec]) -> list[str]:
    return [
        f"{spec.kind}.{name}={value}"
        for spec in specs
        for name, value in parameters(spec).items()
        if value != type(spec).model_fields[name].default
    ]


class View(BaseModel):
    """Preset, scenario, the what-if settings that are not part of a scenario, and pages' choices.

    Attributes
    ----------
    preset : str
        The preset the scenario came from.
    scenario : Scenario
        As edited, before `load`, `bursts` and `step`.
    load : float
        Requests arrive this many times as fast.
    bursts : float or None
        Coefficient of variation of the gaps between arrivals; None leaves them as they are.
    step : float
        Answers get this many times as long in the middle of the traffic.
    replications : int
        Seeds that Explore runs each policy with.
    cut : bool
        Whether Explore leaves out the warm-up.
    tuned : tuple of PolicySpec
        Parameters of policies other than the scenario's own, where they are not the defaults.
    policies : tuple of str
        Compared on Explore.
    problems : tuple of str
        What the link that gave this view says and could not be taken: parameter, rule, value.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, allow_inf_nan=False
    )

    preset: str
    scenario: Scenario
    load: float = Field(1.0, ge=BOUNDS["load"][0], le=BOUNDS["load"][1])
    bursts: float | None = Field(None, alias="cv", ge=BOUNDS["bursts"][0], le=BOUNDS["bursts"][1])
    step: float = Field(1.0, alias="drift", ge=BOUNDS["step"][0], le=BOUNDS["step"][1])
    replications: int = Field(10, ge=BOUNDS["replications"][0], le=BOUNDS["replications"][1])
    cut: Annotated[bool, Labels({True: "yes", False: "no"})] = False
    tuned: Annotated[
        tuple[PolicySpec, ...], BeforeValidator(_tuned), PlainSerializer(_tuned_texts)
    ] = Field((), alias="tune")
    policies: Annotated[tuple[str, ...], BeforeValidator(_policies), PlainSerializer(",".join)] = (
        Field(default=PAPER_POLICIES)
    )

    metric: Annotated[str, Metric] = "e2e_s"
    percentiles: str | None = Field(None, max_length=200)
    split: Annotated[str, Split] = "overall"
    queue_policy: OnePolicy | None = None
    drift_policy: OnePolicy | None = None
    scope: Annotated[str, Scope] = "overall"
    service_level: Level = 95.0
    sweep_level: Level = 95.0
    world: Annotated[str, World] = "simulated"
    paper_unit: Annotated[str, _labelled("words", "tokens")] = "words"
    paper_mode: Annotated[str, _labelled("gang", "continuous")] = "gang"
    paper_lengths: Annotated[str, _labelled("natural", "capped")] = "natural"
    paper_seeds: Annotated[int, Labels({n: str(n) for n in (3, 5, 10, 20)})] = 3

    problems: tuple[str, ...] = ()

    @cached_property
    def effective(self) -> Scenario:
        """The scenario with load, bursts and drift applied: what is run."""
        scenario = with_load(self.scenario, self.load)
        if self.bursts is not None:
            scenario = with_burstiness(scenario, self.bursts)
        return with_length_step(scenario, self.step)

    @cached_property
    def variants(self) -> dict[str, Scenario]:
        """What is run under each policy that is compared, by the policy's name."""
        scenario = self.effective
        own = {spec.kind: spec for spec in (*self.tuned, scenario.policy)}
        return {
            name: scenario.model_copy(update={"policy": own.get(name) or POLICIES[name](kind=name)})
            for name in self.policies
        }

    @property
    def edited(self) -> bool:
        """Whether what is run is no longer the preset."""
        changes = self.load != 1 or self.bursts is not None or self.step != 1 or self.tuned
        return bool(changes) or self.scenario != preset(self.preset)

    @cached_property
    def link(self) -> dict[str, str | list[str]] | None:
        """Query parameters from which `read_link` gets the view back; None where too big."""
        params = scenario_params(self.scenario, self.preset)
        if params is None:
            return None
        written = self.model_dump(exclude={"scenario"}, by_alias=False)
        for each, name in IN_LINK.items():
            usual = View.model_fields[name].get_default(call_default_factory=True)
            if getattr(self, name) != usual:
                value = written[name]
                params[each] = value if isinstance(value, str | list) else f"{value:.6g}"
        return params

    def changed(self, **fields: Any) -> View:
        """Copy of the view with fields replaced and checked, without its link's problems."""
        kept = {name: getattr(self, name) for name in View.model_fields if name != "problems"}
        return View(**kept | fields)

    def with_preset(self, name: str) -> View:
        """Give a fresh preset; what is compared and shown stays."""
        return self.changed(
            preset=name, scenario=preset(name), load=1.0, bursts=None, step=1.0, tuned=()
        )

    def retuned(self, spec: PolicySpec) -> View:
        """Copy of the view with a policy's parameters replaced; defaults are left out."""
        others = [other for other in self.tuned if other.kind != spec.kind]
        usual = spec == type(spec)(kind=spec.kind)
        return self.changed(tuned=tuple(others if usual else [*others, spec]))


IN_LINK = {
    field.alias or name: name
    for name, field in View.model_fields.items()
    if name not in ("preset", "scenario", "problems")
}
"""Query parameter → field, but for those of the scenario."""


def parameters(spec: PolicySpec) -> dict[str, Any]:
    """Names and values of a policy's parameters."""
    return {name: value for name, value in spec if name != "kind"}


def labels(field: str) -> dict[Any, str]:
    """Values of one of the view's choices, and how each is called."""
    marks = View.model_fields[field].metadata
    return next(mark for mark in marks if isinstance(mark, Labels)).names


def read_link(params: Mapping[str, Sequence[str]]) -> View:
    """View of a link's query parameters; each that is wrong is left out, and all else kept.

    What was left out and why is in its `problems`.
    """
    length = sum(len(name) + len(text) for name, texts in params.items() for text in texts)
    if length > MAX_LINK:
        problem = f"a link must have at most {MAX_LINK:,} characters, got {length:,}"
        return read_link({}).changed(problems=(problem,))
    name, scenario, problems = read_scenario(params)
    fields = _fields(params, problems)
    while True:
        try:
            view = View(preset=name, scenario=scenario, **fields)
            break
        except ValidationError as error:
            problems.append(one_line(error, View, "link"))
            del fields[str(error.errors()[0]["loc"][0])]
    try:
        _ = view.effective
    except InputError as error:
        problems.append(str(error))
        view = view.changed(load=1.0, bursts=None, step=1.0)
    for each in ("queue_policy", "drift_policy"):
        if (one := getattr(view, each)) not in (None, *view.policies):
            known = ", ".join(map(policy_label, view.policies))
            problems.append(f"{each} must be one of {known}, got {policy_label(one)!r}")
            view = view.changed(**{each: None})
    more = len(problems) - MOST_PROBLEMS
    told = [*problems[:MOST_PROBLEMS], f"and {more} more"] if more > 0 else problems
    return view.changed(problems=tuple(told))


def _fields(params: Mapping[str, Sequence[str]], problems: list[str]) -> dict[str, Any]:
    """What the link says of the view's own fields, as texts."""
    fields: dict[str, Any] = {}
    for each, texts in params.items():
        if each == "tune":
            fields[each] = _right_ones(texts, problems)
        elif each == "policies":
            if (known := _known_policies(texts[-1], problems)) is not None:
                fields[each] = known
        elif each in IN_LINK:
            fields[each] = texts[-1]
        elif each not in SCENARIO:
            problems.append(_unknown(each, texts[-1]))
    return fields


def _unknown(name: str, value: str) -> str:
    """Say that a name means nothing to any page, and which may have been meant."""
    known = [*SCENARIO, *IN_LINK]
    near = get_close_matches(name, known, n=1)
    names = f"a known one, such as {near[0]}" if near else f"one of {', '.join(sorted(known))}"
    return f"a link's name must be {names}, got {repr(name[:40])[1:-1]}={value[:40]!r}"
