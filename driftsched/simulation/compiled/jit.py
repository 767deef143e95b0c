"""How the kernel's functions are compiled, and where the machine code is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

__all__ = ["apart", "folder", "inlined", "kernel"]

F = TypeVar("F", bound=Callable[..., Any])
_settings: Any = numba.config
_njit: Any = numba.njit


@cache
def folder() -> str:
    """Folder of the cached code, or empty where none can be written here.

    It is named after the sources that the code was compiled from. numba looks only at the file of
    the function it is asked for; a kernel is compiled together with what it calls in other files,
    so that a change there would go unseen.
    """
    here = Path(__file__).parent
    texts = [path.read_bytes() for path in sorted(here.glob("*.py"))]
    compiled = (b"@kernel", b"@inlined", b"@apart", b"np.dtype")
    sources = b"".join(text for text in texts if any(sign in text for sign in compiled))
    beside = here / "__pycache__"
    try:
        beside.mkdir(exist_ok=True)
        writable = os.access(beside, os.W_OK)
    except OSError:
        writable = False
    digest = hashlib.sha256(sources).hexdigest()[:16]
    return str(beside / f"kernel-{digest}") if writable else ""


def _compile(function: F, **options: Any) -> F:
    # The setting is read when a function is made cacheable; afterwards it is as it was.
    former = _settings.CACHE_DIR
    _settings.CACHE_DIR = folder() or former
    # Nothing is allocated in a kernel and its arrays belong to the caller. Counting references to
    # them all the same (`_nrt`) would take ten times as long as the work.
    try:
        compiled: F = _njit(cache=True, nogil=True, error_model="numpy", _nrt=False, **options)(
            function
        )
    finally:
        _settings.CACHE_DIR = former
    return compiled


def kernel(function: F) -> F:
    """Compile a function that Python calls: no interpreter lock, cached, exact arithmetic.

    Without fastmath every sum and product is rounded as Python rounds it, so that what is a tie in
    the SimPy engine is one here.
    """
    return _compile(function)


def inlined(function: F) -> F:
    """Compile a part of a kernel into each of its callers."""
    return _compile(function, forceinline=True, **_entrances(function))


def apart(function: F) -> F:
    """Compile a part of a kernel that is called seldom, or often from many places."""
    return _compile(function, **_entrances(function))


def _entrances(function: Callable[..., Any]) -> dict[str, bool]:
    """Settings by which a part that takes the whole `World` is called by the kernel alone.

    A way in from Python unpacks every array of it; one for each part would double the time that the
    kernel takes to compile.
    """
    whole = function.__annotations__.get("w") == "World"
    return {"no_cpython_wrapper": whole, "no_cfunc_wrapper": whole}
