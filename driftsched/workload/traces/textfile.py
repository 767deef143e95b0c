"""Text files from outside: plain or gzip, read a block of lines at a time, refused in one line."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from driftsched.core.errors import TraceError

__all__ = ["MAX_BYTES", "Block", "blocks", "head", "unpacked_bytes"]

MAX_BYTES = 500_000_000
BLOCK_BYTES = 8_000_000
HEAD_BYTES = 200_000
LONGEST_RECORD = 4_000_000
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: UTF-8 text without zero bytes or byte order mark.

    Attributes
    ----------
    first_line : int
        Number of its first line, counted from 1.
    data : bytes
        Lines end in newline, with or without carriage return; the file's last may not.
    text : str
        The same, decoded.
    """

    first_line: int
    data: bytes
    text: str


def blocks(source: Path | BinaryIO, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Read a file in blocks of about `size` bytes, none of which ends inside a quoted field.

    Parameters
    ----------
    source : Path or seekable binary file
        Gzip is unpacked; 500 MB at most, unpacked.

    Raises
    ------
    TraceError
        The file cannot be read or unpacked, is too large, or is not text; the line is named.
    """
    line = 1
    for data in _pieces(source, size):
        yield Block(line, data, _text(data, line))
        line += data.count(b"\n")


def head(source: Path | BinaryIO) -> str:
    """First lines of a file, or the beginning of a very long one; "" where there is nothing.

    A binary file stays where it was.

    Raises
    ------
    TraceError
        As `blocks` does.
    """
    chunks = _chunks(source, HEAD_BYTES)
    read = next(chunks, b"")
    chunks.close()
    data = _plain(read)
    if len(read) == HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    return _text(data, 1, cut=True)


def unpacked_bytes(source: Path | BinaryIO) -> int:
    """Size of a file, unpacked; counting stops past `MAX_BYTES`."""
    found = 0
    for data in _chunks(source, BLOCK_BYTES):
        found += len(data)
        if found > MAX_BYTES:
            break
    return found


def _plain(data: bytes) -> bytes:
    """The beginning of a file without byte order mark, old Macs' line ends as newlines."""
    data = data.removeprefix(BOM)
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _pieces(source: Path | BinaryIO, size: int) -> Iterator[bytes]:
    rest: list[bytes] = []  # joined only where a line ends, so that long lines are no trap
    found, old_mac = 0, False
    for data in _chunks(source, size):
        if found == 0:
            old_mac = b"\r" in data and b"\n" not in data
            rest.append(_plain(data))
        else:
            rest.append(data.replace(b"\r", b"\n") if old_mac else data)
        found += len(data)
        if found > MAX_BYTES:
            raise TraceError(f"trace must have at most {MAX_BYTES} bytes unpacked, got more")
        if b"\n" in rest[-1]:
            piece = b"".join(rest)
            cut = _last_row_end(piece)
            yield piece[:cut]
            rest = [piece[cut:]]
    if any(rest):
        yield b"".join(rest)


def _last_row_end(piece: bytes) -> int:
    """Where the last row of CSV ends: after a newline that is in no quoted field.

    Where none is found near the end, a quote has no partner, and the last newline must do.
    """
    last = cut = piece.rfind(b"\n") + 1
    inside = piece.count(b'"', 0, cut) % 2
    while inside and last - cut < LONGEST_RECORD:
        before = piece.rfind(b"\n", 0, cut - 1) + 1
        if before == 0:
            break
        inside = (inside + piece.count(b'"', before, cut)) % 2
        cut = before
    return last if inside else cut


def _chunks(source: Path | BinaryIO, size: int) -> Generator[bytes]:
    try:
        with ExitStack() as opened:
            raw = opened.enter_context(source.open("rb")) if isinstance(source, Path) else source
            start = raw.tell()
            packed = raw.read(2) == GZIP
            raw.seek(start)
            stream: BinaryIO = raw
            if packed:
                stream = cast("BinaryIO", opened.enter_context(gzip.GzipFile(fileobj=raw)))
            if not isinstance(source, Path):
                opened.callback(raw.seek, start)
            while data := stream.read(size):
                yield data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"trace is a broken gzip file: {error}") from None
    except TraceError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TraceError(f"trace {source} cannot be read: {reason}") from None


def _text(data: bytes, first_line: int, cut: bool = False) -> str:
    """Decode UTF-8; `cut` text may end inside a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise TraceError(f"line {line}: must be UTF-8 text, got {error.reason}") from None
    if "\0" in text:
        line = first_line + text.count("\n", 0, text.index("\0"))
        raise TraceError(f"line {line}: must be text, got a zero byte")
    return text
