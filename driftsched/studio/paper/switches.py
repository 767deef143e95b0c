"""The switches of the Paper page: what the paper leaves open or does in two ways."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from driftsched.studio.linked import CHOICES
from driftsched.studio.state import Key

__all__ = ["Choice", "switches"]


@dataclass(frozen=True)
class Choice:
    """What is repeated: unit words or tokens, mode gang or continuous, lengths, seeds."""

    unit: str
    mode: str
    lengths: str
    seeds: int


def switches() -> Choice:
    """Draw the switches and return their positions; the first ones are the paper's program."""
    with st.container(border=True, horizontal=True, gap="medium"):
        unit = _switch(
            "Lengths counted in",
            Key.PAPER_UNIT,
            "The paper's program counts words; its second version also counts with the model's "
            "own tokenizer.",
        )
        mode = _switch(
            "Batching",
            Key.PAPER_MODE,
            "Gang, the paper's: 32 requests start together and end when the longest ends. "
            "Continuous, as vLLM does by itself: each joins and leaves when it can.",
        )
        lengths = _switch(
            "Answers end",
            Key.PAPER_LENGTHS,
            "Naturally: where the model stops by itself; the lengths are our assumption. At the "
            "limit: every answer is as long as its category allows.",
        )
        seeds = st.select_slider(
            "Repetitions",
            list(CHOICES[Key.PAPER_SEEDS]),
            key=Key.PAPER_SEEDS,
            bind="query-params",
            width=180,
            help="Each repeats the experiment with other random numbers. The paper made 3. More "
            "give narrower intervals and take longer.",
        )
    return Choice(unit, mode, lengths, int(seeds))


def _switch(label: str, key: Key, explanation: str) -> str:
    options = list(CHOICES[key])
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        format_func=CHOICES[key].__getitem__,
        bind="query-params",
        help=explanation,
    )
    return str(chosen or options[0])
