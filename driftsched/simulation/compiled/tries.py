"""Room for the tries of a run, whose number is not known ahead, and what clients try again by."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from driftsched.core.arrays import Array
from driftsched.scenario.model import Scenario
from driftsched.simulation.compiled.chance import POOL, entropy
from driftsched.simulation.compiled.ends import ENDS
from driftsched.simulation.compiled.order import ENTRY
from driftsched.simulation.compiled.state import LOOP, MADE, PHASE
from driftsched.workload.table import Workload


@dataclass(frozen=True)
class Room:
    """How many requests there can be, `most`, and where the workload's rows lie.

    `attempts` are the tries of each tenant. What is never written to takes no memory, so that room
    for every possible try costs nothing.
    """

    scenario: Scenario
    workload: Workload
    attempts: Array
    most: int

    @classmethod
    def of(cls, scenario: Scenario, workload: Workload) -> Room:
        """Room for every possible try."""
        attempts = np.array([tenant.retries.attempts for tenant in scenario.tenants])
        most = len(workload)
        if (attempts > 1).any():
            most = int(attempts[workload.tenant].sum())
        return cls(scenario, workload, attempts, most)

    @property
    def making(self) -> bool:
        """Whether requests are made as the run goes; else a row is a request."""
        return self.most > len(self.workload) or self.workload.user is not None

    @property
    def planned(self) -> int:
        """Where the rows begin."""
        return self.most if self.making else 0

    def behind(self, column: Array) -> Array:
        """Give a column of the rows, behind room for the requests where those are made of them."""
        if not self.making:
            # Columns of a table may be read-only, which is another type to the kernel.
            return column if column.flags.writeable else column.copy()
        wide = np.empty(self.planned + len(self.workload), column.dtype)
        wide[self.planned :] = column
        return wide

    def settle(self, run: Array, tenants: Array) -> None:
        """Write into the records how often, when and after what clients try again."""
        run["making"], run["closed"] = self.making, self.workload.user is not None
        run["retry_s"] = run["thought_s"] = inf
        run["to_make"], run["count_from"] = -1, len(self.workload)
        run["planned"] = run["cursor"] = run["stop"] = self.planned
        tenants["attempts"] = self.attempts
        for row, tenant in zip(tenants, self.scenario.tenants, strict=True):
            after = tenant.retries.after
            row["retry_after"] = sum(1 << code for code, end in ENDS.items() if end in after)
            row["jitter"] = tenant.retries.jitter

    def arrays(self) -> dict[str, Any]:
        """Give the parts of a `KernelState` that only retries need."""
        most = self.most if self.making else 0
        retries = [tenant.retries for tenant in self.scenario.tenants]
        tries = range(1, int(self.attempts.max()))
        return {
            "made": np.empty(most, MADE),
            "retries": np.empty(most, ENTRY),
            "pauses_s": np.array([[one.pause_s(n, 0.0) for n in tries] for one in retries]),
            "phases": np.array([(one.first, inf) for one in self.workload.segments], PHASE),
            "entropy": entropy(self.scenario.seed, "retries"),
            "pool": np.zeros(POOL, np.uint64),
            "thoughts": np.empty(0 if self.workload.user is None else len(self.workload), ENTRY),
            "loops": self._loops(),
        }

    def _loops(self) -> Array:
        """Give what users in closed loops do."""
        user, think_s = self.workload.user, self.workload.think_s
        if user is None or think_s is None:
            return np.empty(0, LOOP)
        n = len(user)
        loops = np.array([(0.0, -1, n)], LOOP).repeat(n + 1)
        loops["think_s"][:n] = think_s
        order = np.argsort(user, kind="stable")
        same = np.flatnonzero((user[order[1:]] == user[order[:-1]]) & (user[order[1:]] >= 0))
        loops["following"][order[same]] = order[same + 1]
        rows = np.where(user < 0, np.arange(n), n)
        loops["next_open"][:n] = np.minimum.accumulate(rows[::-1])[::-1]
        return loops
