"""Tuning: parameters searched for what is wanted, and judged on requests that nobody searched.

The search is Optuna's (Akiba et al. 2019), by its tree-structured Parzen estimator (Bergstra et al.
2011). A setting's score is that of the worst of several drifts. What a search finds best is best
partly by chance, so the best few are scored anew on other seeds, and what is left is compared with
the scenario as it is on seeds, and if asked on traffic, that neither has seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from driftsched.experiments.ensemble import part
from driftsched.experiments.sweeps import HERE, Workers, figure_of
from driftsched.experiments.tuning.asked import Tuning, low_is_good
from driftsched.experiments.tuning.scores import Scores, Settings, Task, all_scored, means, scored
from driftsched.experiments.tuning.search import best, search, study_of
from driftsched.results import PairedChange, paired_change
from driftsched.results.wording import joined

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance
    from driftsched.scenario import Scenario

__all__ = ["Candidate", "Tuned", "tune"]

ANEW = 4
"""The best are scored anew on so many times the seeds that the search looked at."""


class Candidate(NamedTuple):
    """Settings that the search found, and what they are worth.

    Attributes
    ----------
    settings : dict
        Parameter → value.
    searched, held_out : tuple of float
        The mean score of each objective, on the search's seeds and on those it did not see.
    changes : tuple of PairedChange
        Against the scenario as it is, on those it did not see.
    """

    settings: Settings
    searched: tuple[float, ...]
    held_out: tuple[float, ...]
    changes: tuple[PairedChange, ...]


class Tuned(NamedTuple):
    """What a search found.

    Attributes
    ----------
    tuning : Tuning
        What was asked.
    searched, held_out : tuple of float
        The scores of the scenario as it is, as for `Candidate`.
    candidates : list of Candidate
        The best; with several objectives the front, by the first.
    trials : int
        Settings that were scored.
    failed : dict of str to int
        Reason → how many settings could not be.
    """

    tuning: Tuning
    searched: tuple[float, ...]
    held_out: tuple[float, ...]
    candidates: list[Candidate]
    trials: int
    failed: dict[str, int]

    def gains(self, candidate: Candidate, place: int = 0) -> bool:
        """Whether a candidate is surely better in an objective on what the search did not see."""
        change = candidate.changes[place]
        good = change.high < 0 if low_is_good(self.tuning.objectives[place]) else change.low > 0
        return bool(good)

    def says(self) -> str:
        """Say whether tuning pays: by how much, or of several objectives in which."""
        if not self.candidates:
            return "No setting could be scored"
        names = [figure_of(name).label.partition(" (")[0] for name in self.tuning.objectives]
        better = [
            name
            for place, name in enumerate(names)
            if any(self.gains(candidate, place) for candidate in self.candidates)
        ]
        if not better:
            return f"No gain in {' or '.join(names)} that holds on what the search did not see"
        if len(names) > 1:
            return f"What the search did not see is better in {joined(better)} under some settings"
        return f"{self.candidates[0].changes[0].verdict(names[0])} on what the search did not see"


def tune(
    tuning: Tuning,
    trials: int,
    *,
    unseen: Scenario | None = None,
    by: Workers = HERE,
    storage: str | None = None,
    progress: Advance | None = None,
) -> Tuned:
    """Search, and judge what was found.

    Parameters
    ----------
    trials : int
        Settings to try; those that `storage` holds already count.
    unseen : Scenario, optional
        Traffic to judge on in place of the scenario's own: another trace, another hour.
    by : Workers
        Who scores settings. With one worker the same seed gives the same search.
    storage : str, optional
        A database's address, as Optuna and optuna-dashboard take it: ``sqlite:///tuning.db``. A
        search that was stopped goes on there.
    progress : callable, optional
        Called with the share done, 0 to 1; what it raises ends the search.

    Raises
    ------
    InputError
        When something asked for is wrong, Optuna is missing, or the scenario itself cannot run.
    """
    tuning.check()
    searching = tuning.seeds_of(0, tuning.seeds)
    again = tuning.seeds_of(tuning.seeds, ANEW * tuning.seeds)
    judging = tuning.seeds_of((1 + ANEW) * tuning.seeds, tuning.held_out)
    scored(Task(0, tuning, tuning.scenario, {}, searching[:1]))  # wrong input is told at once
    tell = progress or (lambda _: None)
    study = study_of(tuning, storage)
    failed = search(study, tuning, trials, by, part(tell, 0, 2))
    found = best(study, tuning, again, by)
    judged = tuning.scenario if unseen is None else unseen
    own: Settings = {}
    asked = [(own, tuning.scenario, searching), (own, judged, judging)]
    asked += [(settings, judged, judging) for settings, _ in found]
    here, before, *after = all_scored(tuning, asked, by, part(tell, 1, 2))
    candidates = [
        Candidate(settings, searched, means(values), _changes(before, values))
        for (settings, searched), values in zip(found, after, strict=True)
    ]
    done = sum(trial.state.name == "COMPLETE" for trial in study.trials)
    return Tuned(tuning, means(here), means(before), candidates, done, failed)


def _changes(before: Scores, after: Scores) -> tuple[PairedChange, ...]:
    return tuple(paired_change(a, b) for a, b in zip(before, after, strict=True))
