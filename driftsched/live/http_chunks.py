"""Decodes HTTP/1.1's chunked transfer coding (RFC 9112, section 7.1), piece by piece."""

from __future__ import annotations

__all__ = ["ChunkDecoder", "ChunkError"]

MOST_LINE = 4096


class ChunkError(ValueError):
    """The bytes are not chunks."""


class ChunkDecoder:
    r"""Takes bytes as they come, gives the bytes of the body.

    Attributes
    ----------
    done : bool
        The last chunk and what follows it have come.
    spare : bytes
        What came after the end of the body; mostly nothing.

    Examples
    --------
    >>> decoder = ChunkDecoder()
    >>> decoder.feed(b"5\r\nhello\r\n3\r\nyo"), decoder.feed(b"u\r\n0\r\n\r\n")
    (b'helloyo', b'u')
    """

    def __init__(self) -> None:
        self.done = False
        self.spare = b""
        self._rest = b""
        # Bytes of the chunk still to come, its line end included; 0: a size line comes next.
        self._left = 0
        self._last = False

    def feed(self, data: bytes) -> bytes:
        """Return the body's bytes that are new with `data`.

        Raises
        ------
        ChunkError
            A size is missing, or a line is too long.
        """
        self._rest += data
        out: list[bytes] = []
        while self._rest and not self.done:
            if self._last:
                if not self._end():
                    break
            elif self._left:
                taken = self._rest[: self._left]
                self._rest = self._rest[self._left :]
                # The last two bytes are the line end, which may come apart.
                out.append(taken[: max(0, self._left - 2)])
                self._left -= len(taken)
            elif not self._size():
                break
        return b"".join(out)

    def _size(self) -> bool:
        """Read a size line; False where it has not come whole."""
        line, end, rest = self._rest.partition(b"\n")
        if len(line) > MOST_LINE:
            raise ChunkError("a chunk's size line is too long")
        if not end:
            return False
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > 12 or digits.strip(b"0123456789abcdefABCDEF"):
            raise ChunkError("a chunk has no size")
        size = int(digits, 16)
        self._rest, self._last = rest, size == 0
        self._left = size + 2 if size else 0
        return True

    def _end(self) -> bool:
        """Read what follows the last chunk: trailer lines, if any, and an empty one."""
        line, end, rest = self._rest.partition(b"\n")
        if len(line) > MOST_LINE:
            raise ChunkError("a trailer line is too long")
        if not end:
            return False
        self._rest = rest
        if not line.strip():
            self.done, self.spare, self._rest = True, rest, b""
        return True
