"""The scenario: tenants, categories, traffic, estimator, policy, engine, cluster, metrics, seed.

Every default is the paper's published protocol where it has one (DriftSched, arXiv 2606.02982).
Each part has a module of its own beside this one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from driftsched.config import Config
from driftsched.scenario.cluster import Cluster, Engine
from driftsched.scenario.estimator import Estimator
from driftsched.scenario.rules import Name, check_sum, check_unique
from driftsched.scenario.tenants import Tenant
from driftsched.scenario.traffic import Category, Phase, Prompts, TraceSource
from driftsched.scheduling.policies import PolicyConfig
from driftsched.scheduling.policies.fifo import FifoConfig

__all__ = ["Metrics", "Scenario"]


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
        check_unique("names", [t.name for t in tenants])
        check_sum("shares", {t.name: t.share for t in tenants})
        return tenants

    @field_validator("categories")
    @classmethod
    def _categories(cls, categories: tuple[Category, ...]) -> tuple[Category, ...]:
        check_unique("names", [c.name for c in categories])
        return categories

    @field_validator("phases")
    @classmethod
    def _phases(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        if phases:
            check_unique("names", [phase.name for phase in phases])
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
