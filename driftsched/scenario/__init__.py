"""WHAT to run: frozen, validated models; YAML in and out; JSON schema."""

from driftsched.scenario.io import (
    from_yaml,
    json_schema,
    load_scenario,
    parse_scenario,
    preset_names,
    preset_path,
    to_yaml,
)
from driftsched.scenario.model import (
    Category,
    Cluster,
    Engine,
    Estimator,
    InputFactor,
    Limits,
    Metrics,
    Phase,
    Prompts,
    Scenario,
    SizeClasses,
    Slo,
    Tenant,
    TraceSource,
)
from driftsched.scenario.overrides import apply_overrides

__all__ = [
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
    "apply_overrides",
    "from_yaml",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "preset_names",
    "preset_path",
    "to_yaml",
]
