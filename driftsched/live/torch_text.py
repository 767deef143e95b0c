"""Text and tokens of the torch engine: prompts in, pieces of the answer out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

WORD = re.compile(r"\w{1,6}|[^\w\s]")
SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sa", "te", "vo")
UNFINISHED = "\ufffd"
MAX_CACHED = 10_000


class Tokenizer(Protocol):
    """Both ways between text and token ids."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt, ready for the model."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens give none."""
        ...


class PlainTokenizer:
    """The built-in tokenizer of randomly initialised models: no files, the same everywhere.

    A token is up to six letters of a word, or a sign. Ids are hashes, so that no text comes back
    from them: `decode` gives syllables, three quarters of which begin a word.

    Examples
    --------
    >>> tokenizer = PlainTokenizer(512)
    >>> len(tokenizer.encode("What is DNS?"))
    4
    >>> tokenizer.decode([8, 9, 11])
    ' kaka loka neka'
    """

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def encode(self, text: str) -> list[int]:
        return [zlib.crc32(word.encode()) % self.vocabulary for word in WORD.findall(text)] or [0]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(self._piece, ids))

    @staticmethod
    def _piece(number: int) -> str:
        syllables = f"{SYLLABLES[number % 8]}{SYLLABLES[number // 8 % 8 - 1]}"
        return syllables if number % 4 == 2 else f" {syllables}"


class PromptEncoder:
    """A transformers tokenizer with its chat template, where it has one.

    Prompts are remembered, since workloads repeat them.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.encode = lru_cache(MAX_CACHED)(self._encode)

    def _encode(self, text: str) -> list[int]:
        if self._tokenizer.chat_template:
            # As text first: the template writes the special tokens itself.
            text = self._tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            )
            return list(self._tokenizer.encode(text, add_special_tokens=False))
        return list(self._tokenizer.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


class Pieces:
    """Turns a growing list of token ids into pieces of text, each given once.

    A token's text can depend on the one before (spaces, signs of several bytes), so the new ones
    are decoded together with those of the last piece; a sign that is not complete yet is held back.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokens = 0
        self._tokenizer = tokenizer
        self._context = 0
        self._read = 0

    def take(self, ids: Sequence[int], last: bool = False) -> tuple[str, int]:
        """Return new text, and how many tokens came since the last call.

        `ids` are all tokens of the answer so far; where it is the `last` call nothing is held back.
        """
        came, self.tokens = len(ids) - self.tokens, len(ids)
        before = self._tokenizer.decode(ids[self._context : self._read])
        now = self._tokenizer.decode(ids[self._context :])
        if now.endswith(UNFINISHED) and not last:
            return "", came
        self._context, self._read = self._read, len(ids)
        return now[len(before) :], came
