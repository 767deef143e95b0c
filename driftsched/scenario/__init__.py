"""WHAT to run: frozen, validated models; YAML in and out; JSON schema."""

from driftsched.scenario.about import About
from driftsched.scenario.changes import (
    changed,
    with_burstiness,
    with_length_step,
    with_load,
    with_policy,
    with_share,
)
from driftsched.scenario.cluster import Cluster, ReplicaGroup
from driftsched.scenario.engine import Engine
from driftsched.scenario.estimator import Estimator, InputFactor, SizeClasses
from driftsched.scenario.io import (
    from_yaml,
    json_schema,
    load_scenario,
    parse_scenario,
    preset_names,
    preset_path,
    to_yaml,
)
from driftsched.scenario.model import Metrics, Scenario
from driftsched.scenario.recorded import TraceColumns, TraceSource
from driftsched.scenario.tenants import Limits, Patience, Retries, Slo, Tenant
from driftsched.scenario.traffic import Category, Phase, Prompts
from driftsched.scenario.yaml_text import apply_overrides

__all__ = [
    "About",
    "Category",
    "Cluster",
    "Engine",
    "Estimator",
    "InputFactor",
    "Limits",
    "Metrics",
    "Patience",
    "Phase",
    "Prompts",
    "ReplicaGroup",
    "Retries",
    "Scenario",
    "SizeClasses",
    "Slo",
    "Tenant",
    "TraceColumns",
    "TraceSource",
    "apply_overrides",
    "changed",
    "from_yaml",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "preset_names",
    "preset_path",
    "to_yaml",
    "with_burstiness",
    "with_length_step",
    "with_load",
    "with_policy",
    "with_share",
]
