"""Writing files so that nobody ever finds half of one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driftsched.core.errors import RunError

__all__ = ["io_errors", "written_aside"]

PREFIX = ".partial-"


@contextmanager
def io_errors(doing: str) -> Iterator[None]:
    """Turn what goes wrong with files into a `RunError` of one line: "cannot …: reason"."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot {doing}: {reason}") from error


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; when all went well its files appear in `folder`.

    A new folder appears whole, by one renaming. In one that exists each file is replaced whole, and
    other files in it stay. When something fails, `folder` is left as it was.
    """
    exists = folder.is_dir()
    parent = folder if exists else folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    aside = parent / f"{PREFIX}{secrets.token_hex(8)}"
    aside.mkdir()
    try:
        yield aside
        if exists:
            for path in sorted(aside.iterdir()):
                path.replace(folder / path.name)
        else:
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
