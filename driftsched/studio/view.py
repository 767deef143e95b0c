"""What a session looks at: one object, and how it stands in the page's link. No streamlit here.

A field's query parameter is its alias, else its name; its text is read by the field's own type, and
what has its default is not written. So a new choice on a page is one line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from driftsched.charts.labels import policy_label
from driftsched.core.config import MOST
from driftsched.core.errors import InputError
from driftsched.experiments.papers import DRIFTSCHED, PAPERS
from driftsched.scenario import Scenario, with_burstiness, with_length_step, with_load
from driftsched.scenario.differences import differences
from driftsched.scenario.messages import one_line
from driftsched.scheduling.policies import PAPER_POLICIES, POLICIES, PolicySpec
from driftsched.studio.fields import (
    Beside,
    ChosenRuns,
    Goals,
    Image,
    Labels,
    Late,
    Learners,
    Level,
    Measure,
    Metric,
    OnePolicy,
    Over,
    PricedGpus,
    Sample,
    Seconds,
    Sizing,
    Split,
    Stream,
    SweepChart,
    SweepFigure,
    Tab,
    Watcher,
    World,
    known_policies,
    labelled,
    parameters,
    policies_of,
    right_ones,
    tuned_of,
    tuned_texts,
)
from driftsched.studio.link import (
    DEFAULT_PRESET,
    preset,
    read_scenario,
    scenario_params,
    with_changes,
)

MAX_LINK, MOST_PROBLEMS = 60_000, 20
MAX_LIVE_LINK = 2000
"""Characters of a link that is read, and lines said about it."""
EVERYBODY = "*"
KNOBS = {
    "load": "load",
    "bursts": "burstiness",
    "step": "drift",
    "step_at": "drift from (s)",
    "step_for": "drift for (s)",
}
"""What-if fields, and how they are called."""
FORMER = {
    "service_level": "level",
    "sweep_level": "level",
    "queue_policy": "under",
    "drift_policy": "under",
    "scope": "",
}
"""Names in links of former versions, and what they are now."""
WORDS = ("about", "title", "question", "name")
SCENARIO = ("preset", "set", "scenario")
BOUNDS = {"load": (0.1, 4.0), "bursts": (0.1, 8.0), "step": (0.25, 4.0), "replications": (2, 40)}


class View(BaseModel):
    """Preset, scenario, the what-if settings that are not part of a scenario, and pages' choices.

    `scenario` is as edited, before `load` (requests arrive so many times as fast), `bursts`
    (coefficient of variation of the gaps between arrivals) and `step` (answers get so many times as
    long, from the nominal second `step_at` on, else the middle of the traffic, for `step_for`
    seconds, else for good). `cut` leaves out the warm-up. `tuned` are parameters of policies other
    than the scenario's own, where they are not the defaults. `tenant` is in focus: one by name, all
    where it is `EVERYBODY`, those of the question where it is None. `pin` is the link of the state
    that everything is set beside: "" is none, None the question's own. `problems` is what the link
    says and could not be taken: parameter, rule, value.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, allow_inf_nan=False
    )

    preset: str
    scenario: Scenario
    load: float = Field(1.0, ge=BOUNDS["load"][0], le=BOUNDS["load"][1])
    bursts: float | None = Field(None, alias="cv", ge=BOUNDS["bursts"][0], le=BOUNDS["bursts"][1])
    step: float = Field(1.0, alias="drift", ge=BOUNDS["step"][0], le=BOUNDS["step"][1])
    step_at: Seconds | None = Field(None, alias="drift_at")
    step_for: Annotated[float, Field(gt=0, le=1e9)] | None = Field(None, alias="drift_for")
    replications: int = Field(10, ge=BOUNDS["replications"][0], le=BOUNDS["replications"][1])
    cut: Annotated[bool, Labels({True: "yes", False: "no"})] = False
    tuned: Annotated[
        tuple[PolicySpec, ...], BeforeValidator(tuned_of), PlainSerializer(tuned_texts)
    ] = Field((), alias="tune")
    policies: Annotated[
        tuple[str, ...], BeforeValidator(policies_of), PlainSerializer(",".join)
    ] = Field(default=PAPER_POLICIES)

    metric: Annotated[str, Metric] = "e2e_s"
    percentiles: str | None = Field(None, max_length=200)
    split: Annotated[str, Split] = "overall"
    level: Level = 95.0
    tenant: str | None = Field(None, max_length=40)
    under: OnePolicy | None = None
    tab: Annotated[str, Tab] = "Latency"
    pin: str | None = Field(None, max_length=MAX_LINK)
    image: Annotated[str, Image] = "svg"
    world: Annotated[str, World] = "simulated"
    beside: OnePolicy | None = None
    request: int | None = Field(None, ge=0, le=MOST)
    live: str = Field("", max_length=MAX_LIVE_LINK)
    paper: Annotated[str, Labels({name: one.title for name, one in PAPERS.items()})] = DRIFTSCHED
    paper_unit: Annotated[str, labelled("words", "tokens")] = "words"
    paper_mode: Annotated[str, labelled("gang", "continuous")] = "gang"
    paper_lengths: Annotated[str, labelled("natural", "capped")] = "natural"
    paper_seeds: Annotated[int, Labels({n: str(n) for n in (3, 5, 10, 20)})] = 10
    paper_assumptions: Annotated[bool, Labels({True: "yes", False: "no"})] = False
    kept_text: str = Field("", max_length=200)
    kept_policy: str | None = Field(None, max_length=100)
    kept_world: Annotated[str, World] | None = None
    kept_tag: str | None = Field(None, max_length=40)
    lab_drift: Annotated[str, Stream] = "step"
    lab_spread: Annotated[float, Labels({s: f"{s:g}" for s in (0.3, 0.6, 1.0)})] = 0.6
    lab_effect: Annotated[float, Labels({e: f"{e:g}" for e in (0.0, 0.25, 0.5)})] = 0.25
    lab_late: Annotated[int, Late] = 0
    lab_with: Learners = ("ema", "hierarchical")
    lab_detector: Annotated[str, Watcher] = "none"
    lab_policy: OnePolicy = "sjf"
    lab_measure: Annotated[str, Measure] = "mean_s"
    sizing: Annotated[str, Sizing] = "load"
    goal: Annotated[str, Goals] = "slo_attainment"
    goal_share: float = Field(0.95, gt=0, lt=1)
    goal_s: float = Field(5.0, gt=0, le=1e6)
    gpus: PricedGpus = "L4,A100-80,H100"
    sweep_over: Over = Field(("policy=fifo,sjf,hrrn", "load=0.6:1.2:7"), alias="over")
    sweep_sample: Annotated[str, Sample] = ""
    sweep_seeds: Annotated[int, Labels({n: str(n) for n in (1, 3, 5, 10)})] = 3
    sweep_chart: Annotated[str, SweepChart] = "lines"
    sweep_figure: Annotated[str, SweepFigure] = "p95_e2el_ms"
    sweep_second: Annotated[str, SweepFigure] = "slo_attainment"

    runs: ChosenRuns = ()
    baseline: str = Field("", max_length=100)
    beside_tab: Annotated[str, Beside] = "Tenants"

    problems: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _recorded(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Of a trace only the pace changes: what would be said of more is not what is run."""
        if fields["scenario"].trace is None:
            return fields
        of_phases = {name for name in KNOBS if name != "load"}
        aliases = {View.model_fields[name].alias for name in of_phases}
        return {name: v for name, v in fields.items() if name not in of_phases | aliases}

    @cached_property
    def effective(self) -> Scenario:
        """The scenario with load, bursts and drift applied: what is run."""
        scenario = with_load(self.scenario, self.load)
        if self.bursts is not None:
            scenario = with_burstiness(scenario, self.bursts)
        return with_length_step(scenario, self.step, self.step_at, self.step_for)

    @property
    def who(self) -> tuple[str, ...]:
        """Tenants in focus; none are all."""
        if self.tenant in self.scenario.tenant_names:
            return (str(self.tenant),)
        return self.scenario.about.tenants if self.tenant != EVERYBODY else ()

    @cached_property
    def before(self) -> View | None:
        """The state that this one is set beside: what is pinned, else the question's alternative.

        It is asked for under the same policies and replications.
        """
        if self.pin == "":
            return None
        shown = {"policies": self.policies, "replications": self.replications, "pin": ""}
        if self.pin is not None:
            params = parse_qs(self.pin, keep_blank_values=True)
            return read_link({k: v for k, v in params.items() if k != "pin"}).changed(**shown)
        if not self.scenario.about.against:
            return None
        scenario, wrong = with_changes(self.scenario, self.scenario.about.against)
        return None if wrong else self.changed(scenario=scenario, **shown)

    @property
    def pinned(self) -> View:
        """The view with itself as what everything is set beside."""
        return self.changed(
            pin=urlencode(self.changed(pin="").link or {"preset": self.preset}, doseq=True)
        )

    def differs(self, before: View) -> list[str]:
        """What is not as in another view: a line each, "load 1 → 1.2"."""
        sides = []
        for one, other in ((before, self), (self, before)):
            mine = {name: getattr(one, name) for name in KNOBS} | {
                f"{spec.kind}.{name}": value
                for spec in one.tuned
                for name, value in parameters(spec).items()
            }
            changes = differences(other.scenario, one.scenario) or ()
            sides.append(mine | dict(change.split("=", 1) for change in changes))
        then, now = sides
        return [
            f"{KNOBS.get(name, name)} {_said(then.get(name))} → {_said(now.get(name))}"
            for name in {**then, **now}
            if then.get(name) != now.get(name) and not name.startswith(WORDS)
        ]

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
    def what_if(self) -> str:
        """What is run beside the scenario as edited: ", load 1 → 1.5"; empty where nothing."""
        edited = View(preset=self.preset, scenario=self.scenario, tuned=self.tuned)
        return "".join(f", {line}" for line in self.differs(edited))

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
        asked = asked_by(self.scenario)
        written = self.model_dump(exclude={"scenario"}, by_alias=False)
        for each, name in IN_LINK.items():
            usual = View.model_fields[name].get_default(call_default_factory=True)
            if getattr(self, name) != asked.get(name, usual):
                value = written[name]
                params[each] = value if isinstance(value, str | list) else f"{value:.10g}"
        return {} if params == {"preset": DEFAULT_PRESET} else params or {"preset": self.preset}

    def changed(self, **fields: Any) -> View:
        """Copy of the view with fields replaced and checked, without its link's problems."""
        kept = {name: getattr(self, name) for name in View.model_fields if name != "problems"}
        return View(**kept | fields)

    def with_preset(self, name: str) -> View:
        """Give a fresh preset and what it asks about; which policies are compared stays."""
        names = (*KNOBS, "tenant", "pin", "sweep_over")
        fresh = {name: View.model_fields[name].default for name in names}
        scenario = preset(name)
        return self.changed(preset=name, scenario=scenario, tuned=(), **fresh | asked_by(scenario))

    def retuned(self, spec: PolicySpec) -> View:
        """Copy of the view with a policy's parameters replaced; defaults are left out."""
        others = [other for other in self.tuned if other.kind != spec.kind]
        usual = spec == type(spec)(kind=spec.kind)
        return self.changed(tuned=tuple(others if usual else [*others, spec]))


def asked_by(scenario: Scenario) -> dict[str, Any]:
    """What a view shows of a scenario until somebody chooses: what its question is about."""
    level = scenario.about.percentile
    known = level if level in labels("level") else View.model_fields["level"].default
    return {"metric": scenario.about.measure, "level": known}


def _said(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


IN_LINK = {
    field.alias or name: name
    for name, field in View.model_fields.items()
    if name not in ("preset", "scenario", "problems")
}
"""Query parameter → field, but for those of the scenario."""


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
            view = View(preset=name, scenario=scenario, **asked_by(scenario) | fields)
            break
        except ValidationError as error:
            problems.append(one_line(error, View, "link"))
            del fields[str(error.errors()[0]["loc"][0])]
    try:
        _ = view.effective
    except InputError as error:
        problems.append(str(error))
        view = view.changed(load=1.0, bursts=None, step=1.0)
    known = {
        "under": (*map(policy_label, view.policies), None),
        "tenant": (*scenario.tenant_names, EVERYBODY, None),
    }
    for each, names in known.items():
        one = getattr(view, each)
        if (policy_label(one) if each == "under" and one else one) not in names:
            listed = ", ".join(str(name) for name in names[:MOST_PROBLEMS] if name)
            problems.append(f"{each} must be one of {listed}, got {one[:40]!r}")
            view = view.changed(**{each: None})
    more = len(problems) - MOST_PROBLEMS
    told = [*problems[:MOST_PROBLEMS], f"and {more} more"] if more > 0 else problems
    return view.changed(problems=tuple(told))


def _fields(params: Mapping[str, Sequence[str]], problems: list[str]) -> dict[str, Any]:
    """What the link says of the view's own fields, as texts."""
    fields: dict[str, Any] = {}
    for name, texts in params.items():
        each = FORMER.get(name, name)
        if each == "tune":
            fields[each] = right_ones(texts, problems)
        elif each == "over":
            fields[each] = tuple(texts)
        elif each == "policies":
            if (known := known_policies(texts[-1], problems)) is not None:
                fields[each] = known
        elif each in IN_LINK:
            fields[each] = texts[-1]
        elif each not in (*SCENARIO, ""):
            problems.append(_unknown(each, texts[-1]))
    return fields


def _unknown(name: str, value: str) -> str:
    """Say that a name means nothing to any page, and which may have been meant."""
    near = get_close_matches(name, [*SCENARIO, *IN_LINK], n=1)
    names = f"a known one, such as {near[0]}" if near else "one that Copy link writes"
    return f"a link's name must be {names}, got {repr(name[:40])[1:-1]}={value[:40]!r}"
