"""Scenario files broken by chance: refused in one clear line, or run, the same in both engines."""

from __future__ import annotations

import random
import resource
import time
from copy import deepcopy
from typing import Any

import yaml

from driftsched.core.errors import DriftSchedError
from driftsched.results.outcomes import STATUSES
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario, from_yaml, preset_names, preset_path
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from driftsched.simulation.compiled import uncovered, warm_up
from driftsched.studio.work import check_amount
from driftsched.workload import generate
from tests.support.same_tables import TABLES, first_difference

__all__ = ["trial"]

MOST_S, MOST_MB = 5.0, 1000
"""What a file may take, of a core and of memory, before it must have been refused."""
FEW = 400
"""Requests of what is run in both engines."""
NUMBERS: tuple[Any, ...] = (
    *(0, 1, 2, 3, 10, -1, 0.5, 1e-9, 1e-300, 1e9, 1e308, 2**31, 2**63, 2**70, 10**400, True),
    *(float("nan"), float("inf"), "1:30", "0x10", "1e400", None),
)
WORDS: tuple[Any, ...] = (
    *(
        "",
        "x",
        "é" * 30,
        "a" * 5000,
        "\ud7ff",
        "\u202e",
        "null",
        "yes",
        "fifo",
        "continuous",
        "gang",
    ),
    *("[l](https://evil.example)", "../../etc/passwd", "/dev/zero", "=1+1", [], {}, [[]], 7, None),
)
JUNK = (
    *("\0", "\t", "- ", ": ", "{", "[", "}", "]", "&a [*a]", "*a", "!!python/name:os.system", "? "),
    *("<<: *a", "---\n", "#", '"', "'", "|", "\r", "[" * 300, "{a: " * 300, "1" * 5000, "%", "@"),
)


def trial(seed: int, n: int) -> list[str]:
    """Read and run `n` scenario files; say what went wrong, one line each."""
    rng = random.Random(seed)
    warm_up()  # what compiling takes is nobody's file's
    whole = [_short(name) for name in preset_names()]
    found = []
    for number in range(n):
        text = _file(rng, rng.choice(whole))
        before, memory = time.process_time(), _peak_mb()
        try:
            said = _tried(text)
        except DriftSchedError as error:
            said = _unclear(str(error))
        except Exception as error:  # noqa: BLE001  any other is what is looked for
            said = f"{type(error).__name__}: {error}"
        took_s = time.process_time() - before
        if took_s > MOST_S or _peak_mb() - memory > MOST_MB:
            said = said or f"{took_s:.1f} s, {_peak_mb() - memory:.0f} MB"
        if said:
            found.append(f"case {number}: {said[:500]} of {text[:3000]!r}")
    return found


def _short(name: str) -> dict[str, Any]:
    """Give a preset with few requests."""
    data: dict[str, Any] = yaml.safe_load(preset_path(name).read_text(encoding="utf-8"))
    for phase in data.get("phases", []):
        phase["requests"] = 40
        phase.pop("duration_s", None)
    if "trace" in data:
        data["trace"]["limit"] = 60
    return data


def _file(rng: random.Random, data: dict[str, Any]) -> str:
    data = deepcopy(data)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        _break(rng, data)
    if rng.random() < 0.3:
        data["policy"] = {"kind": rng.choice(list(POLICIES))}
    text = yaml.dump(data, sort_keys=False, allow_unicode=True)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(JUNK) + text[at + rng.choice((0, 0, 1, 30)) :]
    return text


def _break(rng: random.Random, data: Any) -> None:
    """Change one place, anywhere."""
    places = list(_places(data))
    inside, key = rng.choice(places)
    value, kind = inside[key], rng.random()
    if kind < 0.1:
        del inside[key]
    elif kind < 0.15 and isinstance(inside, dict):
        name = rng.choice(("x", "kind", "requests", "seed", ""))
        inside[name] = deepcopy(rng.choice((*NUMBERS, *WORDS)))
    elif kind < 0.25 and isinstance(value, list) and value:
        value.extend(deepcopy(value[:1]) * rng.choice((1, 3, 200)))
    elif kind < 0.3:
        other, another = rng.choice(places)
        inside[key] = deepcopy(other[another]) if other is not data else value
    elif isinstance(value, int | float) and rng.random() < 0.5:
        inside[key] = value * rng.choice((-1, 0.1, 0.5, 2, 10, 1000))
    else:
        of_kind = NUMBERS if isinstance(value, int | float) else WORDS
        wider = of_kind if rng.random() < 0.8 else (*NUMBERS, *WORDS)
        inside[key] = deepcopy(rng.choice(wider))


def _places(inside: Any) -> Any:
    """Each container with each of its keys."""
    if isinstance(inside, dict | list):
        for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
            yield inside, key
            yield from _places(inside[key])


def _unclear(message: str) -> str:
    lines = message.count("\n") + 1
    clear = lines <= 25 and all(len(line) < 600 for line in message.splitlines())
    return "" if clear else f"a long message, {lines} lines, {message[:300]!r}"


def _tried(text: str) -> str:
    """What is wrong with how a file was taken; empty where nothing is."""
    scenario = from_yaml(text)
    check_amount((scenario,))
    if sum(phase.expected_requests for phase in scenario.phases) > FEW:
        return ""
    workload = generate(scenario)
    if len(workload) > 3 * FEW:
        return ""
    reference = simulate(scenario, workload, engine="simpy")
    lost = _lost(scenario, reference, len(workload))
    if lost or uncovered(scenario, workload):
        return lost
    compiled = simulate(scenario, workload, engine="compiled")
    pairs = ((name, getattr(reference, name), getattr(compiled, name)) for name in TABLES)
    differing = (f"{name}: {said}" for name, *two in pairs if (said := first_difference(*two)))
    return next(differing, "")


def _lost(scenario: Scenario, result: RunResult, planned: int) -> str:
    """Requests that came and did not end in one of the known ways, or never came."""
    rows = result.requests
    other = set(rows["status"]) - set(STATUSES)
    if other or not rows["request_id"].is_unique:
        return f"requests end as {other or 'the same one twice'}"
    first = int((rows["attempt"] == 1).sum())
    closed = any(phase.closed for phase in scenario.phases)
    return "" if first == planned or (closed and first <= planned) else f"{first} of {planned} came"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
