"""Text files from outside: plain or gzip, read piece by piece within limits, refused in one line.

The limits that hold for every trace, whoever reads it, stand here.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from driftsched.core.errors import TraceError

MAX_BYTES = 500_000_000
"""Of a file, unpacked."""
MAX_ROWS = 20_000_000
MAX_COLUMNS = 1000
LONGEST_RECORD = 4_000_000
"""Characters of a line of JSON, and bytes of a row of CSV, quoted line ends included."""
MAX_VALUES = 10_000_000
"""In a file that is one JSON value, which can be read only as a whole."""
HEAD_BYTES = 200_000
GZIP = b"\x1f\x8b"


@contextmanager
def unpacked(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """Open a file, plain or gzip; a seekable binary file stays where it was.

    Raises
    ------
    TraceError
        It cannot be read or unpacked, also while it is read.
    """
    try:
        with ExitStack() as opened:
            raw = opened.enter_context(source.open("rb")) if isinstance(source, Path) else source
            start = raw.tell()
            packed = raw.read(2) == GZIP
            raw.seek(start)
            if not isinstance(source, Path):
                opened.callback(raw.seek, start)
            yield cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"trace is a broken gzip file: {error}") from None
    except TraceError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TraceError(f"trace {source} cannot be read: {reason}") from None


def texts(stream: BinaryIO, size: int = LONGEST_RECORD) -> Iterator[str]:
    """Text of a file, UTF-8 with or without byte order mark, in pieces of about `size` bytes.

    Newlines end its lines, whatever did.

    Raises
    ------
    TraceError
        The file is too large or not text; the line is named.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), True)
    found, line = 0, 1
    ended = False
    while not ended:
        data = stream.read(size)
        ended = not data
        found += len(data)
        if found > MAX_BYTES:
            raise TraceError(f"trace must have at most {MAX_BYTES} bytes unpacked, got more")
        try:
            text = decoder.decode(data, final=ended)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            line += before.count(b"\n")
            raise TraceError(f"line {line}: must be UTF-8 text, got {error.reason}") from None
        if "\0" in text:
            line += text.count("\n", 0, text.index("\0"))
            raise TraceError(f"line {line}: must be text, got a zero byte")
        yield text
        line += text.count("\n")


def lines(stream: BinaryIO) -> Iterator[str]:
    """Lines of a file, without their ends; `TraceError` as `texts`, or where one is too long."""
    rest, number = "", 1
    for text in texts(stream):
        found = (rest + text).split("\n")
        longest = max(range(len(found)), key=lambda place: len(found[place]))
        if len(found[longest]) > LONGEST_RECORD:
            raise TraceError(
                f"line {number + longest}: must have at most {LONGEST_RECORD} characters, got more"
            )
        yield from found[:-1]
        rest = found[-1]
        number += len(found) - 1
    yield rest


class TextStream(io.RawIOBase):
    """The text of a file as a binary stream, for parsers that ask for one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._texts = texts(stream)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            text = next(self._texts, None)
            if text is None:
                return 0
            self._left = memoryview(text.encode())
        n = min(len(buffer), len(self._left))
        buffer[:n], self._left = self._left[:n], self._left[n:]
        return n


def head(source: Path | BinaryIO) -> str:
    """First lines of a file, or the beginning of a very long one; "" where there is nothing."""
    with unpacked(source) as stream:
        pieces = texts(stream, HEAD_BYTES)
        text, more = next(pieces), next(pieces, "")
    return text[: text.rfind("\n") + 1] or text if more else text


def size_of(source: Path | BinaryIO, most_bytes: int) -> tuple[int, int]:
    """Bytes of a file, unpacked, and about how many lines; counting stops past `most_bytes`."""
    found = lines_found = 0
    with unpacked(source) as stream:
        while found <= most_bytes and (data := stream.read(LONGEST_RECORD)):
            found += len(data)
            lines_found += max(data.count(b"\n"), data.count(b"\r"))
    return found, lines_found
