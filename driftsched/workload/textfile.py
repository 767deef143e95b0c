"""Text files from outside: plain or gzip, bounded in size, refused in one line."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

from driftsched.errors import TraceError

__all__ = ["MAX_BYTES", "read_text"]

MAX_BYTES = 500_000_000


def read_text(source: Path | BinaryIO) -> str:
    """Read UTF-8 text, unpacking gzip and dropping a byte order mark.

    Parameters
    ----------
    source : Path or binary file
        500 MB at most, also when unpacked.

    Raises
    ------
    TraceError
        The file cannot be read or unpacked, is too large, or is not text; the line is named.
    """
    return _text(_bytes(source))


def _bytes(source: Path | BinaryIO) -> bytes:
    try:
        if isinstance(source, Path):
            with source.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        else:
            data = source.read(MAX_BYTES + 1)
        if data.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"trace is a broken gzip file: {error}") from None
    except (OSError, ValueError) as error:
        raise TraceError(f"trace {source} cannot be read: {error}") from None
    if len(data) > MAX_BYTES:
        raise TraceError(f"trace must have at most {MAX_BYTES} bytes unpacked, got more")
    return data


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TraceError(f"line {line}: must be UTF-8 text, got {error.reason}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TraceError(f"line {line}: must be text, got a zero byte")
    return text
