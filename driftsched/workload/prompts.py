"""Prompt texts for any category of a scenario; what they are made of is in prompts.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from driftsched.core.arrays import Floats, Ints
from driftsched.scenario.traffic import Category

TEXTS: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("prompts.yaml").read_text(encoding="utf-8")
)
TOPICS: tuple[str, ...] = tuple(TEXTS["topics"])
PAPER_TEMPLATES: dict[str, tuple[str, ...]] = {
    name: tuple(texts) for name, texts in TEXTS["paper"].items()
}


def templates_for(name: str, keywords: Sequence[str] = ()) -> tuple[str, ...]:
    """Templates of a category, each with a place ``{topic}``.

    The paper's categories have templates of their own, any other name generic ones, each of which
    holds one of the key words in turn, or plain ones where there are none.

    Examples
    --------
    >>> templates_for("poem", ["a poem"])[0]
    'Please help with {topic}: a poem.'
    """
    if name in PAPER_TEMPLATES:
        return PAPER_TEMPLATES[name]
    if not keywords:
        return tuple(TEXTS["plain"])
    return tuple(
        template.replace("{keyword}", keywords[i % len(keywords)])
        for i, template in enumerate(TEXTS["generic"])
    )


@dataclass(frozen=True)
class PromptBook:
    """All prompt texts of a scenario, category by category, template by template, topic by topic.

    `words` are the whitespace words of each text; category `c` owns the texts ``first[c]`` to
    ``first[c + 1]`` (exclusive).
    """

    prompts: tuple[str, ...]
    words: Ints
    first: Ints

    def pick(self, category: Ints, uniform: Floats) -> Ints:
        """Positions of the texts that uniform draws in [0, 1) choose; shapes (n,)."""
        start = self.first[category]
        size = self.first[category + 1] - start
        return start + (uniform * size).astype(np.int64)


def prompt_book(categories: Sequence[Category], leak: bool) -> PromptBook:
    """Write every prompt that a scenario can send; the same object for equal ones.

    They are 300 texts a category: five templates, chosen by its name and key words, on sixty
    topics. `leak` adds "Job type: <name>." to each, as the published generator does. Under the
    paper's preset and key words that leaves about 1.5 % of the requests misclassified (short
    questions on topics that hold the word "code"); without it about 18 % are, most of them because
    every fifth template of summary, technical and report holds no key word.
    """
    return _written(tuple((c.name, tuple(c.keywords)) for c in categories), leak)


@lru_cache(maxsize=32)
def _written(categories: tuple[tuple[str, tuple[str, ...]], ...], leak: bool) -> PromptBook:
    prompts: list[str] = []
    first = [0]
    for name, keywords in categories:
        ending = f" Job type: {name.replace('_', ' ')}." if leak else ""
        prompts += [
            template.replace("{topic}", topic) + ending
            for template in templates_for(name, keywords)
            for topic in TOPICS
        ]
        first.append(len(prompts))
    words = np.array([len(prompt.split()) for prompt in prompts], dtype=np.int64)
    return PromptBook(tuple(prompts), words, np.array(first, dtype=np.int64))
