"""The search: Optuna asks, workers score."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import InputError
from driftsched.experiments.tuning.asked import Tuning, low_is_good
from driftsched.experiments.tuning.scores import Settings, Task, all_scored, means, tried
from driftsched.scheduling.policies import POLICIES

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

    from driftsched.experiments.ensemble import Advance
    from driftsched.experiments.sweeps import Parameter, Workers

__all__ = ["best", "search", "study_of"]

AGAIN, FRONT = 5, 10
"""Of one objective the best so many are scored anew; of several so many of the front are kept."""


def study_of(tuning: Tuning, storage: str | None) -> Study:
    """Begin a study, or go on with that of the same question in `storage`."""
    try:
        import optuna
    except ImportError:
        raise InputError("tune needs the extra: pip install 'driftsched[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    digest = hashlib.sha256(tuning.model_dump_json(by_alias=True).encode()).hexdigest()
    try:
        kept = optuna.storages.get_storage(storage)
    except Exception as error:  # noqa: BLE001  of the database's library, its driver or Optuna
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"storage must be a database's address, as in sqlite:///tuning.db, got {storage!r}: "
            f"{reason}"
        ) from None
    return optuna.create_study(
        storage=kept,
        study_name=f"{tuning.scenario.name}-{digest[:10]}",
        directions=["minimize" if low_is_good(o) else "maximize" for o in tuning.objectives],
        sampler=optuna.samplers.TPESampler(seed=tuning.scenario.seed % 2**32, constant_liar=True),
        load_if_exists=True,
    )


def search(
    study: Study, tuning: Tuning, trials: int, by: Workers, progress: Advance
) -> dict[str, int]:
    """Try settings until there are so many; why some could not be, and how many."""
    from optuna.trial import TrialState

    seeds = tuning.seeds_of(0, tuning.seeds)
    former = sum(trial.state.is_finished() for trial in study.trials)
    failed: dict[str, int] = {}

    def asked() -> Iterator[Task]:
        for _ in range(trials - former):
            trial = study.ask()
            settings = _suggested(trial, tuning)
            trial.set_user_attr("settings", json.dumps(settings))
            yield Task(trial.number, tuning, tuning.scenario, settings, seeds)

    for done, (number, scores, reason) in enumerate(by.map_unordered(tried, asked()), start=1):
        if reason:
            failed[reason] = failed.get(reason, 0) + 1
            study.tell(number, state=TrialState.FAIL)
        else:
            study.tell(number, means(scores))
        progress(done / (trials - former))
    return failed


def _suggested(trial: Trial, tuning: Tuning) -> Settings:
    """What the search tries next: parameters of another policy than the trial's are not asked."""
    settings: Settings = {}
    for one in tuning.parameters:
        policy = settings.get("policy", tuning.scenario.policy.kind)
        head, _, rest = one.name.partition(".")
        if head in POLICIES and head != policy:
            continue
        settings[f"policy.{rest}" if head in POLICIES else one.name] = _value(trial, one)
    return settings


def _value(trial: Trial, one: Parameter) -> Any:
    if one.values:
        by_text = {json.dumps(value): value for value in one.values}
        return by_text[str(trial.suggest_categorical(one.name, list(by_text)))]
    if one.whole:
        return trial.suggest_int(one.name, int(one.low), int(one.high), log=one.log)
    return trial.suggest_float(one.name, one.low, one.high, log=one.log)


def best(
    study: Study, tuning: Tuning, again: range, by: Workers
) -> list[tuple[Settings, tuple[float, ...]]]:
    """The best settings with their score in the search, each setting once."""
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    sign = 1 if low_is_good(tuning.objectives[0]) else -1
    several = len(tuning.objectives) > 1
    front = study.best_trials if several else done
    ranked = sorted(front, key=lambda trial: sign * trial.values[0])
    found = {trial.user_attrs["settings"]: tuple(trial.values) for trial in reversed(ranked)}
    ranked_best = [(json.loads(text), values) for text, values in reversed(found.items())]
    if several:
        return ranked_best[:FRONT]
    few = ranked_best[:AGAIN]
    asked = [(settings, tuning.scenario, again) for settings, _ in few]
    scores = all_scored(tuning, asked, by, lambda _: None)
    order = sorted(range(len(few)), key=lambda n: sign * means(scores[n])[0])
    return [few[n] for n in order[:1]]
