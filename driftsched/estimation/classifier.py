"""Workload classification: which category a prompt belongs to.

A new classifier is one class here and one line in `CLASSIFIERS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.core.config import Config, by_kind
from driftsched.core.registry import Registry

__all__ = ["CLASSIFIERS", "ClassifierConfig", "Keyword", "Oracle"]


class _Classifier(Config):
    """Common base; subclasses define `classify`."""

    kind: str

    def classify(self, text: str, truth: int, keywords: Sequence[Sequence[str]]) -> int:
        """Name the category of a prompt.

        Parameters
        ----------
        text : str
            The prompt.
        truth : int
            Index of the category that the prompt was made from; only an oracle may look.
        keywords : sequence of sequences of str
            Key words of each category, in the scenario's order.

        Returns
        -------
        int
            Index of the category, 0 to len(keywords) - 1.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


class Keyword(_Classifier):
    """The paper's classifier: occurrences of key words in the lower-cased prompt.

    The category with the highest count wins, ties go to the earlier one; a prompt without any key
    word goes to the first category that has none (short_qa in the paper), else to the first.
    Cost: O(len(text) · number of key words).
    """

    kind: Literal["keyword"] = "keyword"

    def classify(self, text: str, truth: int, keywords: Sequence[Sequence[str]]) -> int:
        lowered = text.lower()
        counts = [sum(lowered.count(word.lower()) for word in words) for words in keywords]
        best = max(counts, default=0)
        if best > 0:
            return counts.index(best)
        return next((i for i, words in enumerate(keywords) if not words), 0)


class Oracle(_Classifier):
    """Knows the true category: what a perfect classifier would give."""

    kind: Literal["oracle"] = "oracle"

    def classify(self, text: str, truth: int, keywords: Sequence[Sequence[str]]) -> int:
        return truth


CLASSIFIERS: Registry[type[_Classifier]] = Registry("classifier")
CLASSIFIERS.add("keyword", Keyword)
CLASSIFIERS.add("oracle", Oracle)

if TYPE_CHECKING:
    ClassifierConfig = _Classifier
else:
    ClassifierConfig = by_kind(CLASSIFIERS)
