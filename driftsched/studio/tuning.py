"""Parameters of policies in a link: ``aging.rate=0.02``. No streamlit here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from driftsched.core.errors import InputError
from driftsched.scheduling.policies import POLICIES, PolicySpec

__all__ = ["decode", "encode", "parameters", "retuned"]

MOST = 40


def parameters(spec: PolicySpec) -> dict[str, Any]:
    """Names and values of a policy's parameters."""
    return {name: value for name, value in spec if name != "kind"}


def encode(specs: Iterable[PolicySpec]) -> list[str]:
    """``policy.parameter=value`` for each parameter that is not its default."""
    return [
        f"{spec.kind}.{name}={value}"
        for spec in specs
        for name, value in parameters(spec).items()
        if value != type(spec).model_fields[name].default
    ]


def decode(texts: Sequence[str]) -> tuple[PolicySpec, ...]:
    """Policies with the parameters that the texts name, validated.

    Raises
    ------
    InputError
        One line that says what is wrong.
    """
    if len(texts) > MOST:
        raise InputError(f"tune must be given at most {MOST} times, got {len(texts)}")
    wanted: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        policy, _, parameter = name.partition(".")
        if policy not in POLICIES or parameter not in POLICIES[policy].model_fields:
            raise InputError(f"tune must be policy.parameter=value, got {text[:60]!r}")
        wanted.setdefault(policy, {})[parameter] = _plain(value, text)
    return tuple(_validated(policy, values) for policy, values in wanted.items())


def retuned(specs: Sequence[PolicySpec], spec: PolicySpec) -> tuple[PolicySpec, ...]:
    """The same policies with one of them replaced; one with its defaults is left out."""
    others = [other for other in specs if other.kind != spec.kind]
    return tuple(others) if spec == type(spec)(kind=spec.kind) else (*others, spec)


def _plain(value: str, text: str) -> Any:
    try:
        found = yaml.safe_load(value[:100])
        return float(value) if isinstance(found, str) else found
    except (yaml.YAMLError, ValueError):
        raise InputError(f"tune must be policy.parameter=value, got {text[:60]!r}") from None


def _validated(policy: str, values: dict[str, Any]) -> PolicySpec:
    try:
        return POLICIES[policy](kind=policy, **values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (policy, *first["loc"]))
        raise InputError(
            f"tune {where}: {first['msg']}, got {str(first['input'])[:40]!r}"
        ) from None
