"""The scenario: tenants, categories, traffic, estimator, policy, engine, cluster, metrics, seed.

Every default is the paper's published protocol where it has one (DriftSched, arXiv 2606.02982).
Each part has a module of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from driftsched.core.config import MOST, Config, Name, check_sum, check_unique
from driftsched.scenario.about import About
from driftsched.scenario.cluster import MOST_REPLICAS, Cluster
from driftsched.scenario.engine import Engine
from driftsched.scenario.estimator import Estimator
from driftsched.scenario.events import ScenarioEvent
from driftsched.scenario.recorded import TraceSource
from driftsched.scenario.tenants import Tenant
from driftsched.scenario.traffic import Category, Phase, Prompts
from driftsched.scheduling.policies import PolicyConfig
from driftsched.scheduling.policies.fifo import FifoConfig
from driftsched.scheduling.server import Server
from driftsched.traffic.drift import DriftEvent

__all__ = ["Metrics", "Scenario"]

NamedT = TypeVar("NamedT", Tenant, Category, Phase)


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
        check_unique("percentiles", percentiles)
        return percentiles


class Scenario(Config):
    """One experiment, complete: everything a run depends on."""

    schema_version: Literal[1] = Field(1, alias="schema")
    name: Name
    title: str = Field("", max_length=200)
    question: str = Field("", max_length=500, description="what the scenario answers")
    about: About = About()
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
    drift: tuple[DriftEvent, ...] = Field((), max_length=200)
    events: tuple[ScenarioEvent, ...] = Field(
        (), max_length=200, description="faults and operations of the cluster"
    )
    estimator: Estimator = Estimator()
    policy: PolicyConfig = FifoConfig()
    engine: Engine = Engine()
    cluster: Cluster = Cluster()
    metrics: Metrics = Metrics()

    model_config = Config.model_config | {"populate_by_name": True}

    @field_validator("tenants", "categories", "phases")
    @classmethod
    def _named_apart(cls, parts: tuple[NamedT, ...]) -> tuple[NamedT, ...]:
        if parts:
            check_unique("names", [part.name for part in parts])
        return parts

    @field_validator("tenants")
    @classmethod
    def _shared_out(cls, tenants: tuple[Tenant, ...]) -> tuple[Tenant, ...]:
        check_sum("shares", {t.name: t.share for t in tenants})
        return tenants

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        if bool(self.phases) == (self.trace is not None):
            given = "neither" if self.trace is None else "both"
            raise ValueError(f"scenario needs either phases or a trace, got {given}")
        self._check_names()
        most = self.engine.max_num_batched_tokens
        if not self.engine.chunked_prefill and (most or MOST) < self.cluster.context_tokens:
            raise ValueError(
                "engine.max_num_batched_tokens must be >= cluster.context_tokens "
                f"({self.cluster.context_tokens}) without chunked_prefill, got {most}"
            )
        return self

    def _check_names(self) -> None:
        tenants, categories = self.tenant_names, self.category_names
        _known("about.tenants", self.about.tenants, tenants)
        for number, phase in enumerate(self.phases):
            _known(f"phases[{number}].mix", phase.mix, categories)
            _known(f"phases[{number}].shares", phase.shares or (), tenants)
            own = phase.tenant_arrivals or {}
            _known(f"phases[{number}].tenant_arrivals", own, tenants)
            shares = phase.shares or {tenant.name: tenant.share for tenant in self.tenants}
            if phase.arrivals and not any(
                share > 0 for name, share in shares.items() if name not in own
            ):
                raise ValueError(
                    f"phases[{number}].arrivals must be left out where no tenant shares them, got "
                    f"{phase.arrivals.kind}"
                )
        for number, event in enumerate(self.drift):
            at = f"drift[{number}]"
            _known(f"{at}.tenants", event.tenants, tenants)
            _known(f"{at}.categories", event.categories, categories)
            _known(f"{at}.mix", getattr(event, "mix", ()), categories)
            if event.phase is not None:
                _known(f"{at}.phase", (event.phase,), [phase.name for phase in self.phases])
            if self.trace is not None and event.changes_mix:
                raise ValueError(f"{at}: a trace has its own mix, got {event.kind}")
        self._check_events()
        if self.trace is not None:
            _known("trace.clients", (self.trace.clients or {}).values(), tenants)

    def _check_events(self) -> None:
        replicas = len(self.machines) if self.events else 0
        if replicas > MOST_REPLICAS:
            raise ValueError(
                f"events must not make it more than {MOST_REPLICAS} replicas, got {replicas}"
            )
        scalers = [event for event in self.events if event.kind == "autoscale"]
        if len(scalers) > 1:
            raise ValueError(f"events must have at most one autoscale, got {len(scalers)}")
        for number, planned in enumerate(self.events):
            for one in planned.named:
                if one >= replicas:
                    raise ValueError(
                        f"events[{number}].replica must be from 0 to {replicas - 1}, got {one}"
                    )

    @property
    def machines(self) -> list[Cluster]:
        """Hardware by number of replica: the cluster's own, then those that events may add.

        A replica that is added is like the cluster's last one.
        """
        own = self.cluster.machines
        return own + own[-1:] * sum(event.adds(len(own)) for event in self.events)

    def server(self) -> Server:
        """What serves a queue, as modelled; see `Cluster.server`."""
        return self.cluster.server(self.engine.batch_size)

    @property
    def tenant_names(self) -> list[str]:
        """Names of the tenants, in order."""
        return [t.name for t in self.tenants]

    @property
    def category_names(self) -> list[str]:
        """Names of the categories, in order."""
        return [c.name for c in self.categories]


def _known(path: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{path} must name one of {', '.join(known) or 'none'}, got {name!r}")
