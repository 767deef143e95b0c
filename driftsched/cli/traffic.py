"""What became of a recorded trace: told on stderr, so that nothing is left out silently."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftsched.cli.output import tell
from driftsched.workload import import_trace

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["trace_report"]

MOST_PROBLEMS = 20


def trace_report(scenario: Scenario) -> dict[str, Any] | None:
    """Import the scenario's trace, tell what was read, mapped, cut and left out.

    Returns
    -------
    dict or None
        The same as data: file, rows_read, rows_taken, rows_skipped, rows_cut, span_s, rules and
        problems (each a line of text); None where the scenario has no trace.

    Raises
    ------
    TraceError
        When the file cannot be read, or has a broken row and ``trace.on_error`` is "stop".
    """
    if scenario.trace is None:
        return None
    found = import_trace(scenario, Path(scenario.trace.file))
    tell(
        f"trace {scenario.trace.file}: {found.rows_read} rows read, {found.rows_taken} taken, "
        f"{found.rows_skipped} skipped, {found.rows_cut} cut to fit the context"
    )
    for rule in found.rules:
        tell(f"  {rule}")
    for problem in found.problems[:MOST_PROBLEMS]:
        tell(f"  skipped: {problem}")
    if found.problem_count > MOST_PROBLEMS:
        tell(f"  and {found.problem_count - MOST_PROBLEMS} more problems")
    return {
        "file": scenario.trace.file,
        "rows_read": found.rows_read,
        "rows_taken": found.rows_taken,
        "rows_skipped": found.rows_skipped,
        "rows_cut": found.rows_cut,
        "span_s": found.span_s,
        "rules": list(found.rules),
        "problems": [str(problem) for problem in found.problems],
    }
