"""``library``: the saved runs, what people say of them, the trash, ZIP in and out."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from driftsched.charts.report import html_report, report_figures
from driftsched.cli.export import REPEATED
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, tell
from driftsched.core.errors import InputError
from driftsched.live.journal import save_left_behind
from driftsched.results import RunLibrary, export_zip
from driftsched.results.files import write_file
from driftsched.results.wording import counted, seconds

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
COLUMNS = ("run", "saved (UTC)", "policy", "engine", "requests", "P50 E2E", "P99 E2E")
FILTERS = ("policy", "world", "tag", "trash")


def _list(library: RunLibrary, args: argparse.Namespace) -> None:
    wanted = {name: getattr(args, name) for name in FILTERS if getattr(args, name)}
    runs = library.list(" ".join(args.words), **wanted).to_dict(orient="records")
    if args.json:
        print_json({"home": str(library.home), "runs": runs})
    elif not runs:
        if args.words or wanted:
            print(f"No such run in {library.home}.")
        else:
            print(f"No saved run in {library.home}. `run --save` keeps one.")
    else:
        head, *lines = aligned(COLUMNS, [_cells(row) for row in runs]).splitlines()
        titles = [_title(row) for row in runs]
        print("\n".join([f"{head}  title", *map("  ".join, zip(lines, titles, strict=True))]))


def _show(library: RunLibrary, args: argparse.Namespace) -> None:
    (run_id,) = args.words
    runs = library.list()
    library.about(run_id)  # says where there is none, or a damaged one
    row = runs[runs["run_id"] == run_id].iloc[0].to_dict()
    if args.json:
        print_json(row)
        return
    for name, value in row.items():
        said = " ".join(value) if isinstance(value, list) else value
        if said not in ("", None):
            print(f"{name:<20}{_safe(said)}")


def _tag(library: RunLibrary, args: argparse.Namespace) -> None:
    run_id, *tags = args.words
    now = library.tag(run_id, *tags, remove=args.remove)
    _said(args, {"run_id": run_id, "tags": now.tags}, f"tags of {run_id}: {', '.join(now.tags)}")


def _note(library: RunLibrary, args: argparse.Namespace) -> None:
    run_id, *words = args.words
    now = library.label(run_id, notes=" ".join(words))
    _said(args, {"run_id": run_id, "notes": now.notes}, f"noted of {run_id}")


def _rename(library: RunLibrary, args: argparse.Namespace) -> None:
    run_id, *words = args.words
    now = library.label(run_id, title=" ".join(words))
    _said(args, {"run_id": run_id, "title": now.title}, f"title of {run_id}: {_safe(now.title)}")


def _delete(library: RunLibrary, args: argparse.Namespace) -> None:
    """Delete all the runs named or, where one is not known, none; ask before."""
    runs = list(dict.fromkeys(args.words))
    _confirm(args, f"Move to the trash: {', '.join(runs)}?", "deleted")
    library.delete(*runs)
    _said(args, {"deleted": runs}, f"deleted: {', '.join(runs)}; `library restore` undoes it")


def _restore(library: RunLibrary, args: argparse.Namespace) -> None:
    runs = list(dict.fromkeys(args.words))
    library.restore(*runs)
    _said(args, {"restored": runs}, f"restored: {', '.join(runs)}")


def _empty_trash(library: RunLibrary, args: argparse.Namespace) -> None:
    _confirm(args, f"Remove for good: {counted(len(library.list(trash=True)), 'run')}?", "removed")
    gone = library.empty_trash()
    _said(args, {"removed": gone}, f"removed for good: {', '.join(gone) or 'nothing'}")


def _import(library: RunLibrary, args: argparse.Namespace) -> None:
    runs = []
    for path in args.words:
        runs.append(library.import_zip(path))
        tell(f"imported {path}: {runs[-1]}")
    if args.json:
        print_json({"imported": runs})


def _export(library: RunLibrary, args: argparse.Namespace) -> None:
    run_id, path = args.words
    result = library.load(run_id)
    report = html_report(result, report_figures(result), REPEATED)
    write_file(Path(path), export_zip(result, REPEATED, report, library.about(run_id)))
    _said(args, {"run_id": run_id, "out": path}, f"written: {path}")


def _reindex(library: RunLibrary, args: argparse.Namespace) -> None:
    found = library.reindex()
    said = f"{counted(found.runs, 'run')}, {len(found.damaged)} damaged"
    for what, names in (("damaged", found.damaged), ("swept up", found.swept)):
        for name in names:
            tell(f"{what}: {name}")
    _said(args, found._asdict(), said)


class Do(NamedTuple):
    """What does an action, the words it takes, how many at least and most, and what it does."""

    act: Callable[[RunLibrary, argparse.Namespace], None]
    words: str
    least: int
    most: int
    does: str


MANY = sys.maxsize
ACTIONS = {
    "list": Do(_list, "[WORD…]", 0, MANY, "runs with all of the words, the newest first"),
    "show": Do(_show, "ID", 1, 1, "all that is known of a run"),
    "tag": Do(_tag, "ID TAG…", 2, MANY, "add tags, or --remove them"),
    "note": Do(_note, "ID [TEXT]", 1, MANY, "write notes in place of those before"),
    "rename": Do(_rename, "ID [TITLE]", 1, MANY, "another title; without one, the first again"),
    "delete": Do(_delete, "ID…", 1, MANY, "move runs to the trash"),
    "restore": Do(_restore, "ID…", 1, MANY, "move them back"),
    "empty-trash": Do(_empty_trash, "", 0, 0, "remove for good what is in the trash"),
    "import": Do(_import, "ZIP…", 1, MANY, "take in runs that `export` wrote"),
    "export": Do(_export, "ID ZIP", 2, 2, "a run with its title, tags and notes, in one file"),
    "reindex": Do(_reindex, "", 0, 0, "make the index anew; say what is damaged or was half"),
}
ASKING = ("delete", "empty-trash")


def library_command(parser: argparse.ArgumentParser) -> Action:
    """List the saved runs, the newest first, or do something with some."""
    usages = [f"{name} {one.words}" for name, one in ACTIONS.items()]
    width = max(map(len, usages))
    lines = [f"  {u:<{width}}  {a.does}" for u, a in zip(usages, ACTIONS.values(), strict=True)]
    parser.epilog = "\n".join(["actions:", *lines, "", str(parser.epilog)])
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", help="list by default"
    )
    parser.add_argument("words", nargs="*", metavar="…", help="what the action takes, see below")
    parser.add_argument("--policy", default="", help="list: of this policy alone")
    parser.add_argument("--world", choices=("simulated", "live"), help="list: of this world alone")
    parser.add_argument("--tag", default="", help="list: with this tag alone")
    parser.add_argument("--trash", action="store_true", help="list: those that are deleted")
    parser.add_argument("--remove", action="store_true", help="tag: remove the tags")
    parser.add_argument("--yes", action="store_true", help="delete, empty-trash: without asking")
    parser.add_argument(
        "--recover",
        action="store_true",
        help="first save what live runs had whose program was ended before it could",
    )
    add_json(parser)
    return _library


def _library(args: argparse.Namespace) -> None:
    one = ACTIONS[args.action]
    if not one.least <= len(args.words) <= one.most:
        raise InputError(f"library {args.action} takes {one.words or 'nothing'}, got {args.words}")
    for option, actions in (
        ("yes", ASKING),
        ("remove", ("tag",)),
        *((f, ("list",)) for f in FILTERS),
    ):
        if getattr(args, option) and args.action not in actions:
            raise InputError(
                f"--{option} is for library {' and '.join(actions)}, got {args.action}"
            )
    if args.recover:
        for said in save_left_behind():
            tell(said)
    one.act(RunLibrary(), args)


def _confirm(args: argparse.Namespace, question: str, done: str) -> None:
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"library {args.action} must have --yes where nobody can be asked")
    tell(f"{question} [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError(f"library {args.action} was not confirmed; nothing is {done}")


def _said(args: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    tell(text)
    if args.json:
        print_json(data)


def _title(row: dict[Hashable, Any]) -> str:
    if row["damage"]:
        return f"damaged: {row['damage']}"
    tags = "".join(f" #{tag}" for tag in row["tags"])
    return _safe(str(row["title"]) or str(row["scenario"])) + tags


def _safe(text: object) -> str:
    """Text in which nothing is a command to the terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def _cells(row: dict[Hashable, Any]) -> Sequence[str]:
    if row["damage"]:
        return [str(row["run_id"]), *["–"] * (len(COLUMNS) - 1)]
    latencies = (row["median_e2el_ms"], row["p99_e2el_ms"])
    return [
        str(row["run_id"]),
        str(row["saved_utc"])[:16].replace("T", " "),
        *(str(row[name]) for name in ("policy", "engine", "requests")),
        *(seconds(np.nan if latency is None else latency) for latency in latencies),
    ]
