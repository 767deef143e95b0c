"""The types of a view's fields: how each stands in a link, and how it is read from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from driftsched.charts.labels import policy_label
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.experiments.fleet import prices_of
from driftsched.experiments.sweeps import FIGURES
from driftsched.results.library_index import RUN_ID
from driftsched.scenario.messages import one_line, shown
from driftsched.scheduling.policies import POLICIES, PolicySpec
from driftsched.serving.catalogue import GPUS
from driftsched.studio.link import plain_value
from driftsched.studio.words import METRICS, choice_label


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


def labelled(*names: str) -> Labels:
    """Values of a setting, each by its label."""
    return Labels({name: choice_label(name) for name in names})


Split = Labels({"overall": "All requests", "tenant": "By tenant", "category": "By category"})
World = Labels({"simulated": "Simulated", "live": "Live"})
Metric = Labels({name: label for name, (label, _) in METRICS.items()})
Level = Annotated[float, Labels({level: f"P{level:g}" for level in (50.0, 95.0, 99.0)})]
Image = Labels({name: name for name in ("svg", "png")})
Tab = Labels({name: name for name in ("Latency", "Tenants", "Queues", "Drift", "Load")})
Stream = Labels(
    {
        "none": "No drift",
        "step": "Twice as long",
        "ramp": "Slowly longer",
        "random_walk": "Random walk",
        "daily": "Waves",
        "one_category": "One category",
        "one_tenant": "One tenant",
        "mix_shift": "Another mix",
        "all_anew": "All anew",
        "heavy_tail": "Heavier tail",
        "own": "This scenario's",
    }
)
Watcher = Labels({kind: detector.label for kind, detector in DETECTORS.items()})
Late = Labels({0: "At once", 50: "50 later", 200: "200 later"})
Measure = Labels(
    {"mean_s": "Mean", "median_s": "Median", "p99_s": "P99", "goodput_rps": "SLO goodput"}
)
Goals = Labels(
    {
        "slo_attainment": "SLO attainment",
        "weighted_slo_attainment": "Weighted SLO attainment",
        "p95_ttft_ms": "P95 first token",
        "p99_ttft_ms": "P99 first token",
        "p95_tpot_ms": "P95 a token",
        "p95_e2el_ms": "P95 end to end",
        "p99_e2el_ms": "P99 end to end",
        "mean_queue_wait_ms": "Mean queue wait",
    }
)
Sizing = Labels({"load": "Most load", "gpus": "Fewest GPUs"})
SweepChart = Labels(
    {
        "lines": "Lines",
        "heat": "Heat map",
        "front": "Trade-off",
        "parallel": "Parallel",
        "importance": "Importance",
    }
)
Sample = Labels(
    {"": "All combinations"} | {f"lhs:{n}": f"Latin hypercube, {n}" for n in (50, 100, 200)}
)
SweepFigure = Labels({name: figure.label for name, figure in FIGURES.items()})
Over = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...],
    Field(min_length=1, max_length=4),
    PlainSerializer(list),
]
"""Parameters of a sweep, each with its values, as the command line has them."""
Seconds = Annotated[float, Field(ge=0, le=1e9)]
OnePolicy = Annotated[str, Labels({name: policy_label(name) for name in POLICIES})]


def policies_of(value: str | Sequence[str]) -> tuple[str, ...]:
    """In the order of the registry; of a link it is text."""
    if value == "":
        raise PydanticCustomError("choice", "must name at least one policy")
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name for name in POLICIES if name in names)


def _learners(value: str | Sequence[str]) -> tuple[str, ...]:
    """Compensators in the order of the registry, but for the oracle."""
    names, known = value.split(",") if isinstance(value, str) else value, [*COMPENSATORS][:-1]
    if wrong := [name for name in names if name not in ("", *known)]:
        rule = f"must be among {', '.join(known)}, got {shown(wrong)[1:-1]}"
        raise PydanticCustomError("choice", "{rule}", {"rule": rule})
    return tuple(name for name in known if name in names)


Learners = Annotated[tuple[str, ...], BeforeValidator(_learners), PlainSerializer(",".join)]


def _gpus(value: str) -> str:
    """GPUs and prices, as `prices_of` reads them."""
    if wrong := [name for name in prices_of(value) if name not in GPUS]:
        raise ValueError(f"must be among {', '.join(GPUS)}, got {shown(wrong)[1:-1]}")
    return value


PricedGpus = Annotated[str, Field(max_length=400), AfterValidator(_gpus)]


MOST_RUNS = 8
AT_HAND = "@"
"""Before a policy: the scenario at hand under it, in place of a saved run's id."""


def _runs(value: str | Sequence[str]) -> tuple[str, ...]:
    """Ids of saved runs, and policies of the scenario at hand."""
    names = dict.fromkeys(value.split(",") if isinstance(value, str) else value)
    known = {f"{AT_HAND}{kind}" for kind in POLICIES}
    runs = tuple(name for name in names if name)
    if wrong := [name for name in runs if name not in known and not RUN_ID.fullmatch(name)]:
        raise ValueError(f"must be ids of saved runs or @policy, got {shown(wrong)[1:-1]}")
    if len(runs) > MOST_RUNS:
        raise ValueError(f"must be at most {MOST_RUNS}, got {len(runs)}")
    return runs


ChosenRuns = Annotated[tuple[str, ...], BeforeValidator(_runs), PlainSerializer(",".join)]
Beside = Labels({name: name for name in ("Tenants", "Over time", "Sizes", "All", "What differs")})


def known_policies(text: str, problems: list[str]) -> str | None:
    """The names that are policies, None where there are only others; those are one line."""
    names = [name for name in text.split(",") if name]
    wrong = [name for name in names if name not in POLICIES]
    if wrong:
        problems.append(f"policies must be among {', '.join(POLICIES)}, got {shown(wrong)[1:-1]}")
    known = ",".join(name for name in names if name in POLICIES)
    return None if wrong and not known else known


def tuned_of(value: Any) -> Any:
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


def right_ones(texts: Sequence[str], problems: list[str]) -> list[str]:
    """Those of the texts that `tuned_of` reads; each other is a line."""
    right = []
    for text in texts:
        try:
            tuned_of([text])
            right.append(text)
        except ValueError as error:
            problems.append(f"tune {error}")
    return right


def tuned_texts(specs: Sequence[PolicySpec]) -> list[str]:
    """Write what `tuned_of` reads."""
    return [
        f"{spec.kind}.{name}={value}"
        for spec in specs
        for name, value in parameters(spec).items()
        if value != type(spec).model_fields[name].default
    ]


def parameters(spec: PolicySpec) -> dict[str, Any]:
    """Names and values of a policy's parameters."""
    return {name: value for name, value in spec if name != "kind"}
