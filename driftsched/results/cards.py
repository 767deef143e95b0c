"""What a list shows of a saved run: its card, which never changes, and its label, which people do.

A card is ``run.json`` in the run's folder; a label is ``labels/RUN_ID.json`` beside the folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from driftsched.core.errors import InputError, RunError
from driftsched.results.files import io_errors
from driftsched.results.metrics import summarise
from driftsched.results.tables import RunResult
from driftsched.scenario.messages import one_line

MAX_TITLE, MAX_TAGS, MAX_NOTES = 200, 20, 4000
MAX_BYTES = 100_000
Count = Annotated[int, Field(ge=0, lt=2**63)]
FileName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z]+$")]
Title = Annotated[str, AfterValidator(lambda text: " ".join(text.split()))]
Tags = Annotated[
    tuple[Annotated[str, Field(pattern=r"^\w[\w.:/+-]{0,39}$")], ...],
    Field(max_length=MAX_TAGS),
    AfterValidator(lambda tags: tuple(sorted(set(tags)))),
]
Notes = Annotated[str, Field(max_length=MAX_NOTES)]
SEARCHED = ("run_id", "title", "scenario", "policy", "engine", "notes")
Read = TypeVar("Read", bound=BaseModel)


class Card(BaseModel):
    """run.json: what the list shows of a run, and the SHA-256 of its files by name."""

    model_config = ConfigDict(frozen=True)

    run_id: str = Field("", max_length=100)
    title: Title = Field(max_length=MAX_TITLE)
    saved_utc: str = Field(max_length=40)
    scenario: str = Field(max_length=100)
    policy: str = Field(max_length=100)
    engine: str = Field(max_length=100)
    seed: Count
    requests: Count
    completed: Count
    median_e2el_ms: float | None
    p99_e2el_ms: float | None
    request_throughput: float | None
    files: dict[FileName, str] = {}

    @property
    def world(self) -> str:
        """Where it ran: live, in front of a real engine, or simulated."""
        return "live" if self.engine.startswith("live") else "simulated"


class Label(BaseModel):
    """What people call a run and say about it; without a title it has its card's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title = Field("", max_length=MAX_TITLE)
    tags: Tags = ()
    notes: Notes = ""


class Shipped(Label):
    """library.json in a ZIP: what cannot be made from the run itself."""

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str = Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    saved_utc: str = Field(max_length=40, pattern=r"^\d{4}-\d\d-\d\dT[0-9:.+Z-]+$")


COLUMNS = [
    *(name for name in Card.model_fields if name != "files"),
    *("damage", "world", "tags", "notes"),
]


def card_of(result: RunResult, **more: object) -> Card:
    """Make a run's card; `more` are the fields that its tables do not tell."""
    scenario = result.scenario
    # The list always shows P99, whatever percentiles the scenario asks for.
    metrics = scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})
    summary = summarise(result.requests, scenario.model_copy(update={"metrics": metrics}))
    facts = {
        "scenario": scenario.name,
        "policy": scenario.policy.kind,
        "engine": str(result.provenance.get("engine", "")),
        "seed": scenario.seed,
        "requests": summary["submitted"],
    }
    return Card.model_validate(summary | facts | more)


def label_of(fields: Mapping[str, Any]) -> Label:
    """Check a label that somebody wants; ``InputError`` names what, the rule and the value."""
    try:
        return Label.model_validate(fields)
    except ValidationError as error:
        raise InputError(one_line(error, Label, "label")) from None


def facts_of(folder: Path, labelled: Path) -> dict[str, Any]:
    """What a list shows of a run, but for `COLUMNS` that a damaged card does not tell."""
    row: dict[str, Any] = {"run_id": folder.name, "damage": ""}
    try:
        card = read_card(folder)
        row |= card.model_dump(exclude={"run_id", "files"}) | {"world": card.world}
    except RunError as error:
        row["damage"] = str(error)
    label = Label()
    try:
        label = read_label(labelled) if labelled.exists() else label
    except RunError as error:
        row["damage"] = row["damage"] or str(error)
    row |= {"tags": list(label.tags), "notes": label.notes}
    return row | ({"title": label.title} if label.title else {})


def matching(table: pd.DataFrame, text: str, *, policy: str, world: str, tag: str) -> pd.DataFrame:
    """Rows of a list that `RunLibrary.list` is asked for."""
    wanted = pd.Series(True, index=table.index)
    for column, value in (("policy", policy), ("world", world)):
        if value:
            wanted &= table[column] == value
    if tag:
        wanted &= table["tags"].map(lambda tags: tag in tags).astype(bool)
    if words := text.casefold().split():
        hay = table["tags"].map(" ".join)
        for column in SEARCHED:
            hay = hay + "\n" + table[column].fillna("").astype(str)
        hay = hay.map(str.casefold)
        for word in words:
            wanted &= hay.map(lambda row, word=word: word in row).astype(bool)
    return table[wanted]


def read_card(folder: Path) -> Card:
    """Read a run's card; `RunError` where it is damaged."""
    return _read(folder / "run.json", Card, "the card")


def read_label(path: Path) -> Label:
    """Read a run's label; `RunError` where it is damaged."""
    return _read(path, Label, "the label")


def _read(path: Path, model: type[Read], what: str) -> Read:
    with io_errors(f"read {path}"), path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise RunError(f"{path} must have at most {MAX_BYTES} bytes, got more")
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RunError(f"cannot read {path}: {one_line(error, model, what)}") from None
