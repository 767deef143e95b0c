"""Text files from outside: plain or gzip, read a block of lines at a time, refused in one line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from driftsched.core.errors import TraceError

__all__ = ["MAX_BYTES", "Block", "blocks", "head", "unpacked_bytes", "whole"]

MAX_BYTES = 500_000_000
BLOCK_BYTES = 8_000_000
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


def head(source: Path | BinaryIO, size: int = 200_000) -> str:
    """First lines of a file, or the beginning of a very long one; "" where there is nothing.

    A binary file stays where it was.

    Raises
    ------
    TraceError
        As `blocks` does.
    """
    chunks = _chunks(source, size)
    data = next(chunks, b"").removeprefix(BOM)
    chunks.close()
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if len(data) >= size - len(BOM):
        data = data[: data.rfind(b"\n") + 1] or data
        last = next((n for n in range(1, 5) if data[-n:][0] & 0xC0 != 0x80), 0)
        if last and data[-last] >= 0xC0:  # the last character may be cut
            data = data[:-last]
    return _text(data, 1)


def whole(source: Path | BinaryIO, most: int) -> str:
    """All text of a file of at most `most` bytes.

    Raises
    ------
    TraceError
        When it has more, or is no text.
    """
    parts, found = [], 0
    for block in blocks(source):
        found += len(block.data)
        if found > most:
            raise TraceError(f"trace must have at most {most} bytes as one JSON value, got more")
        parts.append(block.text)
    return "".join(parts)


def unpacked_bytes(source: Path | BinaryIO) -> int:
    """Size of a file, unpacked; counting stops past `MAX_BYTES`."""
    found = 0
    for data in _chunks(source, BLOCK_BYTES):
        found += len(data)
        if found > MAX_BYTES:
            break
    return found


def _pieces(source: Path | BinaryIO, size: int) -> Iterator[bytes]:
    rest: list[bytes] = []  # joined only where a line ends, so that long lines are no trap
    found, old_mac = 0, None
    for data in _chunks(source, size):
        found += len(data)
        if found > MAX_BYTES:
            raise TraceError(f"trace must have at most {MAX_BYTES} bytes unpacked, got more")
        if old_mac is None:
            old_mac = b"\r" in data and b"\n" not in data
            rest.append(data.removeprefix(BOM))
        else:
            rest.append(data)
        if old_mac:
            rest[-1] = rest[-1].replace(b"\r", b"\n")
        if b"\n" not in rest[-1]:
            continue
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


def _text(data: bytes, first_line: int) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise TraceError(f"line {line}: must be UTF-8 text, got {error.reason}") from None
    if "\0" in text:
        line = first_line + text.count("\n", 0, text.index("\0"))
        raise TraceError(f"line {line}: must be text, got a zero byte")
    return text
