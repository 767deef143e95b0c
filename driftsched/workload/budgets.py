"""Token budgets: base · bias · safety · input factor, for a whole workload at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from driftsched.core.arrays import Floats, Ints
from driftsched.core.config import MOST
from driftsched.estimation.classifier import ClassifierConfig
from driftsched.estimation.predictors import Seen
from driftsched.scenario.model import Scenario
from driftsched.workload.streams import Streams
from driftsched.workload.table import Workload

SIZE_CLASSES = ("short", "medium", "long")


@dataclass(frozen=True)
class Budgets:
    """The part of each request's budget that does not change while a run goes; arrays (n,).

    Attributes
    ----------
    predicted : int array
        Category as the classifier names it, an index.
    prompt_length, output_length : int array
        Prompt and actual answer in the estimator's unit, words or tokens.
    base_tokens : int array
        What the predictor says, at least 1: by default the predicted category's budget.
    safety_factor, input_factor : float array
        The tenant's, and min(cap, 1 + prompt / scale).
    uncorrected_estimate : float array
        base · safety factor · input factor: the estimate at bias 1, before it is cut to a whole
        number.
    """

    predicted: Ints
    prompt_length: Ints
    output_length: Ints
    base_tokens: Ints
    safety_factor: Floats
    input_factor: Floats
    uncorrected_estimate: Floats

    def take(self, rows: Ints) -> Budgets:
        """Return the budgets of some rows, in any order and as often as named."""
        return Budgets(*(getattr(self, field.name)[rows] for field in fields(self)))


def classify(scenario: Scenario, workload: Workload) -> Ints:
    """Category of each request as the scenario's classifier names it; indices, shape (n,).

    Each distinct pair of prompt text and true category is classified once, and not again for other
    requests with the same texts.
    """
    width = len(scenario.categories)
    pairs = workload.prompt_id * width + workload.category
    words = tuple(tuple(category.keywords) for category in scenario.categories)
    classifier = scenario.estimator.classifier
    named = _named(classifier, workload.prompts, words)
    sent = np.bincount(pairs, minlength=len(named)) > 0
    for pair in np.flatnonzero(sent & (named < 0)).tolist():
        named[pair] = classifier.classify(workload.prompts[pair // width], pair % width, words)
    predicted: Ints = named[pairs]
    return predicted


@lru_cache(maxsize=32)
def _named(
    classifier: ClassifierConfig,  # noqa: ARG001  what is named hangs on it, and on the words
    prompts: tuple[str, ...],
    words: tuple[tuple[str, ...], ...],
) -> Ints:
    """Category of each pair of text and true category as far as classified, else -1."""
    return np.full(len(prompts) * len(words), -1, dtype=np.int64)


def prepare_budgets(scenario: Scenario, workload: Workload, seed: int | None = None) -> Budgets:
    """Classify, predict and budget a workload, as DriftSched (arXiv 2606.02982) does at admission.

    `seed` is that of what a predictor draws; the scenario's own where it is not given.
    """
    estimator = scenario.estimator
    in_words = estimator.unit == "words"
    prompt = workload.prompt_words if in_words else workload.prompt_tokens
    output = workload.output_words if in_words else workload.output_tokens
    predicted = classify(scenario, workload)
    budget = np.array([c.base_tokens for c in scenario.categories], dtype=np.float64)[predicted]
    told = workload.predicted_tokens
    if told is not None and in_words:
        ratio = np.array([category.words_per_token for category in scenario.categories])
        told = told * ratio[predicted]
    seen = Seen(budget, np.maximum(prompt, 1.0), np.maximum(output, 1.0), told)
    rng = Streams(scenario.seed if seed is None else seed, 1).get("predictor", 0)
    typical = np.rint(estimator.predictor.typical(seen, rng))
    base = np.clip(typical, 1, MOST).astype(np.int64)
    safety = np.array([t.safety_factor for t in scenario.tenants])[workload.tenant]
    factor = np.minimum(estimator.input_factor.cap, 1 + prompt / estimator.input_factor.scale)
    return Budgets(predicted, prompt, output, base, safety, factor, base * safety * factor)


def size_classes(scenario: Scenario, totals: Ints) -> NDArray[np.int8]:
    """Index into `SIZE_CLASSES` of each total budget: counted prompt + estimate, shape (n,).

    The estimator has the classes' upper bounds, in its unit, which are inclusive.
    """
    bounds = scenario.estimator.size_classes
    return np.searchsorted([bounds.short, bounds.medium], totals, side="left").astype(np.int8)
