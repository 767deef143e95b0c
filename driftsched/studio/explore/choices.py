"""What-if settings with a few values: batching, lengths, unit, correction, classifier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import streamlit as st

from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.studio.state import Key, View, get_view, set_view
from driftsched.studio.whatif import changed
from driftsched.studio.words import choice_label

__all__ = ["CLASSIFIER", "COMPENSATOR", "LENGTHS", "MODE", "UNIT", "Choice"]


@dataclass(frozen=True)
class Choice:
    """A setting of the scenario, chosen among a few values.

    `place` is its dotted path. Where it ends in ``kind`` another kind starts with its defaults.
    """

    label: str
    key: Key
    options: Iterable[str]
    place: str
    explanation: str

    def __call__(self, view: View) -> None:
        """Draw it; a change is in the view of the next run."""
        st.session_state[self.key] = attrgetter(self.place)(view.scenario)
        st.selectbox(
            self.label,
            list(self.options),
            key=self.key,
            format_func=choice_label,
            on_change=self._take,
            help=self.explanation,
        )

    def _take(self) -> None:
        view, chosen = get_view(), st.session_state[self.key]
        field, last = self.place.replace(".", "__"), "__kind"
        value: Any = {"kind": chosen} if field.endswith(last) else chosen
        scenario = changed(view.scenario, **{field.removesuffix(last): value})
        set_view(replace(view, scenario=scenario))


MODE = Choice(
    "Batching",
    Key.ENGINE_MODE,
    ("gang", "continuous"),
    "engine.mode",
    "Gang: a batch starts together and ends when its longest answer ends (the paper's "
    "program). Continuous: a request joins and leaves at any step, as in vLLM.",
)
LENGTHS = Choice(
    "Answers end",
    Key.LENGTHS,
    ("natural", "capped"),
    "lengths",
    "Naturally: when the model has said enough. At the limit: always at the category's "
    "maximum, whatever the model says.",
)
UNIT = Choice(
    "Lengths counted in",
    Key.UNIT,
    ("words", "tokens"),
    "estimator.unit",
    "What the estimator counts. Words are what the paper's program counts; the engine works in "
    "tokens, about 1.4 a word, and that gap looks like drift.",
)
COMPENSATOR = Choice(
    "Correction",
    Key.COMPENSATOR,
    COMPENSATORS,
    "estimator.compensator.kind",
    "How estimates learn from finished requests. EMA: a moving average of actual over "
    "expected length for each category (the paper's). Oracle: knows every length beforehand; "
    "the best that any correction could do.",
)
CLASSIFIER = Choice(
    "Classifier",
    Key.CLASSIFIER,
    CLASSIFIERS,
    "estimator.classifier.kind",
    "Who names a request's category. Keyword: key words in the prompt (the paper's). Oracle: "
    "knows the true category.",
)
