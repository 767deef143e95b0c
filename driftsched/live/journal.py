"""Rows of a live run in a file as they end, so that no end of its program loses them.

A journal is JSON lines in ``live`` below the library's home: first what is run and what the engine
is, then a line an ended request, a telemetry sample or a learning step. It is written at most a
second late, and removed once the run is saved; `recover` makes a run of one that was left behind.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from math import isfinite, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil

from driftsched.core.errors import DriftSchedError, InputError, RunError
from driftsched.core.home import home as library_home
from driftsched.live.attempts import Attempt, AttemptLog
from driftsched.live.in_flight import InFlightRequest
from driftsched.live.snapshot import FrozenState, live_result
from driftsched.live.traffic import LiveTraffic, live_scenario, live_workload
from driftsched.results.library import RunLibrary
from driftsched.results.outcomes import NUMBERS
from driftsched.results.tables import RunResult
from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario
from driftsched.workload.generate import generate

ENDED = "the program of the run ended"
REQUEST = ("request_id", *NUMBERS, "status", "reason", "prompt_tokens")
RAN = ("tokens", "last_token_s", "attempts", "output_tokens", "counted_tokens")
ANSWER = ("cached_tokens", "counted_by", "finish_reason")
_numbers = count(1)


def journal_path() -> Path:
    """A file for a new run's journal; it is made when the run begins."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}-{next(_numbers)}.jsonl"
    return library_home() / "live" / name


class Journal:
    """The file of one run.

    Where the disk is full, or the file cannot be written for another reason, no more is written and
    the run goes on; `failure` says why, and is empty while all is well. `begun` says whether there
    is anything to write yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = False
        self.failure = ""
        self._lock = threading.Lock()
        self._written: set[int] = set()
        self._samples = self._steps = 0

    def begin(self, scenario: Scenario, traffic: LiveTraffic, about: Mapping[str, Any]) -> None:
        """Write what is run; the file exists from here on."""
        self.begun = True
        process = psutil.Process()
        head = {
            "scenario": scenario.model_dump(mode="json", by_alias=True),
            "about": about,
            "prompt_tokens": traffic.workload.prompt_tokens.tolist(),
            "pid": process.pid,
            "created": process.create_time(),
        }
        self.write([head])

    def news(self, state: FrozenState) -> list[dict[str, Any]]:
        """What has ended, was sampled or learnt since it was last asked, a line each."""
        lines = []
        for place, (request, row, attempt, retry_of) in enumerate(state.attempts):
            if request.status and place not in self._written:
                self._written.add(place)
                one = state.in_flight.get(request.request_id)
                lines.append(
                    {name: getattr(request, name) for name in REQUEST}
                    | {
                        "row": int(row),
                        "attempt": attempt,
                        "retry_of": retry_of,
                        "ran": {name: getattr(one, name) for name in RAN} if one else None,
                        "answer": {name: getattr(one.answer, name) for name in ANSWER}
                        if one and one.answer
                        else None,
                    }
                )
        lines += [{"sample": sample} for sample in state.gpus[self._samples :]]
        lines += [{"learnt": step} for step in state.learning[self._steps :]]
        self._samples, self._steps = len(state.gpus), len(state.learning)
        return lines

    def write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Append lines, and wait until they are on the disk."""
        if self.failure or not lines:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, self.path.open("a", encoding="utf-8") as stream:
                stream.write("".join(f"{json.dumps(line, default=float)}\n" for line in lines))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            self.failure = f"The run's rows are not kept meanwhile: {error.strerror or error}."


def left_behind() -> list[Path]:
    """Journals of runs whose program has ended without saving them, the oldest first."""
    return [path for path in sorted((library_home() / "live").glob("*.jsonl")) if _orphan(path)]


def _orphan(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as stream:
            head = json.loads(stream.readline())
        process = psutil.Process(head["pid"])
        return bool(abs(process.create_time() - head["created"]) > 1)
    except (psutil.Error, OSError, ValueError, KeyError, TypeError):
        return True  # no such process, or no beginning: nobody writes there


def recover(path: Path) -> RunResult:
    """Make a run of a journal: what had ended by then, all else cancelled.

    Raises
    ------
    RunError
        It cannot be read, or holds no row.
    """
    try:
        head, *lines = _lines(path)
        scenario = parse_scenario(head["scenario"])
        about = head["about"]
        scale = about["options"]["time_scale"]
        workload = live_workload(generate(scenario), scale)
        workload = replace(workload, prompt_tokens=np.array(head["prompt_tokens"], np.int64))
        traffic = LiveTraffic.of(live_scenario(scenario, scale), workload)
        rows = sorted(
            (line for line in lines if "row" in line), key=lambda line: line["request_id"]
        )
        if not rows:
            raise RunError(f"{path} holds no ended request")
        state = _state(traffic, rows, lines)
    except (InputError, OSError, ValueError, LookupError, TypeError) as error:
        said = " ".join(str(error).split())
        raise RunError(f"{path} cannot be recovered: {said[:200]}") from None
    about |= {
        "journal": str(path),
        "stop_asked_s": state.now_s,
        "ended_s": state.now_s,
        "recovered": True,
    }
    kind = about["options"]["engine"]["kind"]
    return live_result(scenario, traffic, state, engine=kind, wall_s=state.now_s, about=about)


def journal_of(result: RunResult) -> Path | None:
    """Take the journal's path out of a result that is about to be saved; its file may go then."""
    path = (result.provenance.get("live") or {}).pop("journal", None)
    return None if path is None else Path(path)


def save_left_behind() -> list[str]:
    """Save the runs of all journals left behind in the library; say what came of each.

    A journal is removed once its run is saved; one that cannot be read stays.
    """
    said = []
    for path in left_behind():
        try:
            result = recover(path)
            journal_of(result)
            done = len(result.requests)
            run_id = RunLibrary().save(result, f"{result.scenario.name}, live, recovered")
            path.unlink(missing_ok=True)
            said.append(f"saved as {run_id}: {done} requests of a live run that was cut off")
        except DriftSchedError as error:
            said.append(str(error))
    return said


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines; the last one may have been cut."""
    with path.open(encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream if line.endswith("\n")]
    if not found:
        raise ValueError("it is empty")
    return found


def _state(
    traffic: LiveTraffic, rows: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]
) -> FrozenState:
    """The state in which the run ended; requests are numbered anew, as some are missing."""
    new = {line["request_id"]: number for number, line in enumerate(rows)}
    attempts: list[Attempt] = []
    in_flight: dict[int, InFlightRequest] = {}
    for number, line in enumerate(rows):
        request = traffic.requests[line["row"]].again()
        for name in REQUEST:
            setattr(request, name, line[name])
        request.request_id = number
        before = new.get(line["retry_of"], -1)
        attempts.append(Attempt(request, line["row"], line["attempt"], before))
        if line["ran"]:
            answer = line["answer"] and SimpleNamespace(**line["answer"])
            one: Any = SimpleNamespace(**line["ran"], answer=answer)
            in_flight[number] = one
    for row in sorted(set(AttemptLog(traffic).certain) - {one.row for one in attempts}):
        request = traffic.requests[row].again()
        request.request_id, request.arrival_s = len(attempts), nan
        request.status, request.reason = "cancelled", ENDED
        attempts.append(Attempt(request, row))
    ends = [one.request.finish_s for one in attempts if isfinite(one.request.finish_s)]
    learnt = [line["learnt"] for line in lines if "learnt" in line]
    return FrozenState(
        state="ended",
        now_s=max(ends, default=0.0),
        facts=None,
        attempts=attempts,
        expected=len(attempts),
        drift_marks=(),
        in_flight=in_flight,
        learning=[(at, new[number], bias) for at, number, bias in learnt if number in new],
        gpus=[line["sample"] for line in lines if "sample" in line],
    )
