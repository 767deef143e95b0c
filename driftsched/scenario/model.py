"""The scenario: tenants, categories, traffic, estimator, policy, engine, cluster, metrics, seed.

Every default is the paper's published protocol where it has one (DriftSched, arXiv 2606.02982).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from driftsched.config import Config
from driftsched.estimation.classifier import ClassifierConfig, Keyword
from driftsched.estimation.compensators import CompensatorConfig
from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.scheduling.policies import PolicyConfig
from driftsched.scheduling.policies.fifo import FifoConfig
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import CostConfig, RooflineConfig
from driftsched.workload.arrivals import ArrivalProcess
from driftsched.workload.lengths import LengthDistribution

__all__ = [
    "TIERS",
    "Category",
    "Cluster",
    "Engine",
    "Estimator",
    "InputFactor",
    "Limits",
    "Metrics",
    "Phase",
    "Prompts",
    "Scenario",
    "SizeClasses",
    "Slo",
    "Tenant",
    "TraceSource",
]

TIERS = ("premium", "standard", "batch")
"""Service tiers in order of rank; rank 1 is served first by priority policies."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
Tier = Literal["premium", "standard", "batch"]
Word = Annotated[str, Field(min_length=1, max_length=100)]
SHARE_TOLERANCE = 1e-3
MOST = 1_000_000_000
MEAN_GAP_S = (1e-6, 1e6)


def _check_sum(what: str, shares: dict[str, float]) -> None:
    total = sum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        parts = [f"{name} {share:g}" for name, share in shares.items()]
        more = f", and {len(parts) - 8} more" if len(parts) > 8 else ""
        listed = f" ({', '.join(parts[:8])}{more})" if parts else ""
        raise ValueError(f"{what} must add up to 1, got {total:g}{listed}")


def _check_unique(what: str, names: Iterable[object]) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"{what} must be unique, got {name!r} {count} times")


class Limits(Config):
    """What a tenant may take at most; None is unlimited."""

    waiting: int | None = Field(None, ge=0, le=MOST, description="requests in the tenant's queue")
    rate_rps: float | None = Field(None, gt=0, description="admitted requests a second")
    burst: int = Field(
        1, ge=1, le=MOST, description="requests that may come at once under rate_rps"
    )
    running: int | None = Field(None, ge=1, le=MOST, description="requests in the engine at once")


class Slo(Config):
    """Service-level objectives of a tenant in seconds; None is no objective."""

    ttft_s: float | None = Field(None, gt=0)
    tpot_s: float | None = Field(None, gt=0)
    e2e_s: float | None = Field(None, gt=0)


class Tenant(Config):
    """One tenant: who sends, how important, how much of the traffic."""

    name: Name
    tier: Tier = "standard"
    weight: float = Field(1.0, gt=0, le=1000, description="share of service under Weighted")
    share: float = Field(ge=0, le=1, description="share of the requests")
    safety_factor: float = Field(1.0, gt=0, le=10, description="multiplies the token budget")
    slo: Slo = Slo()
    limits: Limits = Limits()

    @property
    def rank(self) -> int:
        """Rank of the tier, 1 (premium) to 3 (batch)."""
        return TIERS.index(self.tier) + 1


class Category(Config):
    """A kind of work: its budget, the key words that give it away, its lengths."""

    name: Name
    base_tokens: int = Field(ge=1, le=1_000_000, description="expected output at admission")
    max_output_tokens: int = Field(ge=1, le=1_000_000, description="the engine stops here")
    keywords: tuple[Word, ...] = Field((), max_length=100)
    prompt_tokens: LengthDistribution | None = Field(
        None, description="prompt length; None counts the words of the prompt template"
    )
    output_tokens: LengthDistribution = Field(description="natural output length")
    words_per_token: float = Field(0.75, gt=0, le=4)
    words_per_token_sd: float = Field(0.0, ge=0, le=1)


class Prompts(Config):
    """How prompt texts are made."""

    leak: bool = Field(
        True, description='write "Job type …" into the prompt, as the published generator does'
    )


class Phase(Config):
    """A stretch of traffic with one arrival process and one mix."""

    name: Name
    requests: int | None = Field(None, ge=1, le=20_000_000)
    duration_s: float | None = Field(None, gt=0, le=10_000_000)
    arrivals: ArrivalProcess
    mix: dict[str, float] = Field(description="category → share of this phase's requests")
    shares: dict[str, float] | None = Field(
        None, description="tenant → share; None takes the tenants' own shares"
    )
    drain: bool = Field(False, description="wait until the queue is empty afterwards")
    pause_s: float = Field(0.0, ge=0, le=1_000_000, description="silence afterwards")

    @model_validator(mode="after")
    def _bounded(self) -> Phase:
        if (self.requests is None) == (self.duration_s is None):
            got = "neither" if self.requests is None else "both"
            raise ValueError(f"needs exactly one of requests and duration_s, got {got}")
        return self

    @field_validator("arrivals")
    @classmethod
    def _countable(cls, arrivals: ArrivalProcess) -> ArrivalProcess:
        least, most = MEAN_GAP_S
        if not least <= arrivals.mean_gap_s <= most:
            raise ValueError(
                f"mean gap must be from {least:g} to {most:g} s, got {arrivals.mean_gap_s:g}"
            )
        return arrivals

    @field_validator("mix", "shares", mode="before")
    @classmethod
    def _numbers(cls, shares: Any) -> Any:
        for name, share in shares.items() if isinstance(shares, dict) else ():
            if isinstance(share, bool):
                raise ValueError(f"{name} must be a number, got {str(share).lower()}")
        return shares

    @field_validator("mix", "shares")
    @classmethod
    def _shares(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        if shares is None:
            return None
        for name, share in shares.items():
            if share < 0:
                raise ValueError(f"{name} must be >= 0, got {share:g}")
        _check_sum("shares", shares)
        return shares


class TraceSource(Config):
    """Recorded traffic instead of phases, and the rules that map it to tenants and categories."""

    file: str = Field(min_length=1, max_length=1000)
    format: Literal["azure"] = "azure"
    tenant_rule: Literal["share", "round_robin"] = Field(
        "share", description="share: drawn by the tenants' shares; round_robin: in turn"
    )
    category_rule: Literal["output", "prompt"] = Field(
        "output",
        description="output: smallest category whose max_output_tokens holds the answer; "
        "prompt: categories in order of base_tokens by quartile of the prompt length",
    )
    cap: bool = Field(False, description="cut recorded answers at the category's max_output_tokens")
    time_scale: float = Field(1.0, gt=0, le=1000, description="2 plays twice as slowly")
    limit: int | None = Field(
        None, ge=1, le=MOST, description="take the first rows in order of time"
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="stop: refuse a file with a broken row; skip: leave it out and list it"
    )


class InputFactor(Config):
    """min(cap, 1 + input length / scale) [paper's program]."""

    cap: float = Field(1.5, ge=1, le=100)
    scale: float = Field(1000.0, gt=0)


class SizeClasses(Config):
    """Upper bounds of the total token budget for short and medium; above is long."""

    short: int = Field(128, ge=1, le=MOST)
    medium: int = Field(512, ge=1, le=MOST)

    @model_validator(mode="after")
    def _ordered(self) -> SizeClasses:
        if self.medium <= self.short:
            raise ValueError(f"medium must be > short ({self.short}), got {self.medium}")
        return self


class Estimator(Config):
    """Category → token budget → size class, and how the budget is corrected at run time."""

    classifier: ClassifierConfig = Keyword()
    unit: Literal["words", "tokens"] = Field("words", description="what lengths are counted in")
    compensator: CompensatorConfig = EmaConfig()
    input_factor: InputFactor = InputFactor()
    size_classes: SizeClasses = SizeClasses()


class Engine(Config):
    """How requests share a GPU."""

    mode: Literal["gang", "continuous"] = "gang"
    batch_size: int = Field(32, ge=1, le=100_000, description="requests in a batch at most")
    batch_wait_s: float = Field(
        0.01, ge=0, le=3600, description="gang mode: wait this long for a fuller batch"
    )


class Cluster(Config):
    """The modelled hardware: GPU, model, memory, cost of an iteration."""

    gpu: str = "L4"
    model: str = "qwen1.5-1.8b"
    replicas: Literal[1] = 1
    memory_utilisation: float = Field(0.7, gt=0, le=1)
    activation_gb: float = Field(1.0, ge=0, description="memory kept for activations")
    context_tokens: int = Field(2048, ge=2, le=MOST, description="prompt + output at most")
    cost: CostConfig = RooflineConfig()

    @field_validator("gpu")
    @classmethod
    def _gpu(cls, name: str) -> str:
        GPUS[name]
        return name

    @field_validator("model")
    @classmethod
    def _model(cls, name: str) -> str:
        MODELS[name]
        return name


class Metrics(Config):
    """How results are summarised."""

    percentiles: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = Field(
        (50.0, 90.0, 95.0, 99.0), min_length=1, max_length=12
    )
    starvation_s: float = Field(60.0, gt=0, description="a longer queue wait is starvation")
    sample_s: float = Field(0.2, gt=0, description="sampling interval of the gpus table")

    @field_validator("percentiles")
    @classmethod
    def _percentiles(cls, percentiles: tuple[float, ...]) -> tuple[float, ...]:
        _check_unique("percentiles", percentiles)
        return percentiles


class Scenario(Config):
    """One experiment, complete: everything a run depends on."""

    schema_version: Literal[1] = Field(1, alias="schema")
    name: Name
    title: str = Field("", max_length=200)
    question: str = Field("", max_length=500, description="what the scenario answers")
    seed: int = Field(1, ge=0, lt=2**32)
    tenants: tuple[Tenant, ...] = Field(min_length=1, max_length=1000)
    categories: tuple[Category, ...] = Field(min_length=1, max_length=100)
    prompts: Prompts = Prompts()
    lengths: Literal["natural", "capped"] = Field(
        "natural",
        description="natural: distribution, cut at max_output_tokens; capped: always the maximum",
    )
    phases: tuple[Phase, ...] = Field((), max_length=200)
    trace: TraceSource | None = None
    estimator: Estimator = Estimator()
    policy: PolicyConfig = FifoConfig()
    engine: Engine = Engine()
    cluster: Cluster = Cluster()
    metrics: Metrics = Metrics()

    model_config = Config.model_config | {"populate_by_name": True}

    @field_validator("tenants")
    @classmethod
    def _tenants(cls, tenants: tuple[Tenant, ...]) -> tuple[Tenant, ...]:
        _check_unique("names", [t.name for t in tenants])
        _check_sum("shares", {t.name: t.share for t in tenants})
        return tenants

    @field_validator("categories")
    @classmethod
    def _categories(cls, categories: tuple[Category, ...]) -> tuple[Category, ...]:
        _check_unique("names", [c.name for c in categories])
        return categories

    @field_validator("phases")
    @classmethod
    def _phases(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        if phases:
            _check_unique("names", [phase.name for phase in phases])
        return phases

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        if bool(self.phases) == (self.trace is not None):
            given = "neither" if self.trace is None else "both"
            raise ValueError(f"scenario needs either phases or a trace, got {given}")
        known = {
            "mix": [c.name for c in self.categories],
            "shares": [t.name for t in self.tenants],
        }
        for number, phase in enumerate(self.phases):
            for field, shares in (("mix", phase.mix), ("shares", phase.shares or {})):
                for name in shares:
                    if name not in known[field]:
                        raise ValueError(
                            f"phases[{number}].{field} must name one of "
                            f"{', '.join(known[field])}, got {name!r}"
                        )
        return self

    @property
    def tenant_names(self) -> list[str]:
        """Names of the tenants, in order."""
        return [t.name for t in self.tenants]

    @property
    def category_names(self) -> list[str]:
        """Names of the categories, in order."""
        return [c.name for c in self.categories]
