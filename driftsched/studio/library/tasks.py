"""What the Library page asks the pool for: a worker has a limit on memory, the server has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from driftsched.core.errors import InputError, RunError
from driftsched.core.home import home
from driftsched.results import RunLibrary, RunResult, export_zip

Progress = Callable[[float], None]
COMMAND = "python -m driftsched run scenario.yaml"


def uploads() -> str:
    """Folder of ZIPs that are about to be taken in."""
    return str(home() / "imports")


def saved_latencies(runs: Sequence[str], *, progress: Progress) -> Sequence[pd.DataFrame]:
    """Of each saved run the columns of its requests that latencies are drawn from."""
    found = []
    for place, run_id in enumerate(runs):
        found.append(_loaded(run_id).requests[["status", "e2e_s"]])
        progress((place + 1) / len(runs))
    return found


def saved_zip(run_id: str, *, progress: Progress) -> bytes:  # noqa: ARG001  a moment
    """Everything about a saved run, as `driftsched library export` writes it."""
    run = _loaded(run_id)
    return export_zip(run, COMMAND, _report(run), RunLibrary().about(run_id))


def saved_report(run_id: str, *, progress: Progress) -> bytes:  # noqa: ARG001  a moment
    """Figures and numbers of a saved run on one page."""
    return _report(_loaded(run_id)).encode()


def take_in(name: str, *, progress: Progress) -> str:  # noqa: ARG001  a moment
    """Import an uploaded ZIP, by its name in `uploads`; the run's id."""
    path = home() / "imports" / name
    try:
        return RunLibrary().import_zip(path)
    except (InputError, RunError) as error:
        raise type(error)(without_home(error)) from None
    finally:
        path.unlink(missing_ok=True)


def without_home(said: object) -> str:
    """A message without the server's paths."""
    return str(said).replace(f"{home()}/", "").replace(str(home()), "the server")


def _loaded(run_id: str) -> RunResult:
    try:
        return RunLibrary().load(run_id)
    except (InputError, RunError) as error:
        raise type(error)(without_home(error)) from None


def _report(run: RunResult) -> str:
    from driftsched.charts.report import html_report, report_figures

    return html_report(run, report_figures(run), COMMAND)
