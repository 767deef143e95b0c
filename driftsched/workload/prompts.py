"""Prompt texts: templates and topics of our own, for any category of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftsched.scenario.traffic import Category

__all__ = ["PAPER_TEMPLATES", "TOPICS", "PromptBook", "prompt_book", "templates_for"]

TOPICS = (
    "DNS resolution", "TLS certificates", "load balancing", "service meshes", "message queues",
    "Kubernetes scheduling", "container images", "rolling deployments", "blue-green releases",
    "canary releases", "feature flags", "infrastructure as code", "configuration drift",
    "secret rotation", "identity federation", "role-based access", "zero-trust networks",
    "virtual private clouds", "network address translation", "content delivery networks",
    "edge caching", "rate limiting", "circuit breakers", "retry budgets", "back-pressure",
    "database sharding", "read replicas", "connection pooling", "write-ahead logs",
    "consensus protocols", "leader election", "distributed locks", "event sourcing",
    "change data capture", "stream processing", "columnar storage", "object storage",
    "block storage snapshots", "backup and restore", "disaster recovery", "chaos experiments",
    "capacity planning", "autoscaling", "spot instances", "GPU partitioning",
    "model serving", "vector databases", "feature stores", "log aggregation",
    "distributed tracing", "metrics retention", "alert fatigue", "error budgets",
    "incident response", "on-call rotations", "patch management", "dependency pinning",
    "code review bots", "low-code platforms", "IPv6 migration",
)  # fmt: skip
"""Infrastructure topics; three of them hold the paper's key word "code" on purpose."""

PAPER_TEMPLATES: dict[str, tuple[str, ...]] = {
    "short_qa": (
        "In one or two sentences, what does {topic} mean?",
        "Why would a small team care about {topic}?",
        "When is {topic} the wrong choice, and what would you take instead?",
        "Who in a company usually looks after {topic}?",
        "I am new here and keep hearing of {topic}: what problem does it solve for us?",
    ),
    "summary": (
        "Summarize the main ideas behind {topic} in one paragraph for a manager.",
        "Give me a short summary of how teams usually adopt {topic}.",
        "Please summarize the benefits, the costs and the open risks of {topic} as a list.",
        "Write a summary of {topic} that fits on one slide, with the three points that count.",
        "Boil {topic} down to the essentials that a busy colleague can read before lunch.",
    ),
    "technical": (
        "Describe the architecture of a system built around {topic} and how its parts talk.",
        "Show example code that automates {topic}, and explain every step of it.",
        "Give a technical explanation of {topic}, including failure modes and their remedies.",
        "Which technical trade-offs decide whether {topic} scales to a hundred nodes?",
        "Walk me through what happens inside the machines, step by step, when {topic} goes wrong "
        "under heavy traffic.",
    ),
    "report": (
        "Write a detailed report on {topic}, with findings, evidence and recommendations.",
        "Prepare a comprehensive comparison of the options for {topic} over the next five years.",
        "Draft a report for the steering committee on the state of {topic}, its risks, its costs "
        "and a plan with milestones.",
        "Produce a detailed assessment of {topic}: history, current practice, gaps and next steps.",
        "Compose a long document about {topic} with chapters on background, methods in use, "
        "measurements, lessons learnt and what remains to be done.",
    ),
}
"""Five templates a category of the paper; the last of each (but short_qa) holds no key word."""

GENERIC_TEMPLATES = (
    "Please help with {topic}: {keyword}.",
    "Our team needs {keyword} for {topic} by the end of the day.",
    "I would like {keyword} about {topic}, written for people who have never seen it.",
    "Think about {topic} first, then answer with {keyword} and nothing else.",
    "For the meeting tomorrow: {keyword} on {topic}, and mention what surprised you most.",
)

PLAIN_TEMPLATES = (
    "Tell me about {topic}.",
    "What should our team know of {topic} by the end of the day?",
    "I would like to understand {topic}; assume that I have never seen it.",
    "Think about {topic} first, then answer and say nothing else.",
    "For the meeting tomorrow I need something on {topic}, and mention what surprised you most.",
)


def templates_for(name: str, keywords: Sequence[str] = ()) -> tuple[str, ...]:
    """Templates of a category, each with a place ``{topic}``.

    Parameters
    ----------
    name : str
        One of the paper's categories gets templates of its own, any other name generic ones.
    keywords : sequence of str
        Key words of the category; each generic template holds one of them in turn, none where
        there are none.

    Examples
    --------
    >>> templates_for("poem", ["a poem"])[0]
    'Please help with {topic}: a poem.'
    """
    if name in PAPER_TEMPLATES:
        return PAPER_TEMPLATES[name]
    if not keywords:
        return PLAIN_TEMPLATES
    return tuple(
        template.replace("{keyword}", keywords[i % len(keywords)])
        for i, template in enumerate(GENERIC_TEMPLATES)
    )


@dataclass(frozen=True)
class PromptBook:
    """All prompt texts of a scenario.

    Attributes
    ----------
    prompts : tuple of str
        Texts, category by category, template by template, topic by topic.
    words : int array, shape (len(prompts),)
        Whitespace words of each text.
    first : int array, shape (categories + 1,)
        Category `c` owns the texts ``first[c]`` to ``first[c + 1]`` (exclusive).
    """

    prompts: tuple[str, ...]
    words: NDArray[np.int64]
    first: NDArray[np.int64]

    def pick(self, category: NDArray[np.int64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Positions of the texts that uniform draws in [0, 1) choose; shapes (n,)."""
        start = self.first[category]
        size = self.first[category + 1] - start
        return start + (uniform * size).astype(np.int64)


def prompt_book(categories: Sequence[Category], leak: bool) -> PromptBook:
    """Write every prompt that a scenario can send.

    Parameters
    ----------
    categories : sequence of Category
        Their names and key words choose the templates.
    leak : bool
        Add "Job type: <name>." to each prompt, as the published generator does. Under the paper's
        preset and key words that leaves about 1.5 % of the requests misclassified (short questions
        on topics that hold the word "code"); without it about 18 % are, most of them because
        every fifth template of summary, technical and report holds no key word.

    Returns
    -------
    PromptBook
        300 texts a category: five templates on sixty topics.
    """
    prompts: list[str] = []
    first = [0]
    for category in categories:
        ending = f" Job type: {category.name.replace('_', ' ')}." if leak else ""
        prompts += [
            template.replace("{topic}", topic) + ending
            for template in templates_for(category.name, category.keywords)
            for topic in TOPICS
        ]
        first.append(len(prompts))
    words = np.array([len(prompt.split()) for prompt in prompts], dtype=np.int64)
    return PromptBook(tuple(prompts), words, np.array(first, dtype=np.int64))
