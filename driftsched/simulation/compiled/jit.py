"""How the kernel's functions are compiled, and where the machine code is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dis import get_instructions
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numba

from driftsched.core.home import home

SHARED = (
    *("scheduling/policies/*.py", "scheduling/routers/*.py", "scheduling/server.py"),
    *("estimation/compensators/*.py", "estimation/detectors/*.py"),
    *("serving/batching.py", "serving/curve.py", "serving/iteration.py", "gateway/admission.py"),
)
"""Sources outside this folder of what is compiled into the kernel."""

WITHIN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Of what the kernel alone calls: a way in from Python takes as long to compile as the rest."""

F = TypeVar("F", bound=Callable[..., Any])
_settings: Any = numba.config
_njit: Any = numba.njit


@cache
def folder() -> str:
    """Folder of the cached code, in the package or else in `home`; empty where neither can be.

    It is named after the sources that the code was compiled from. numba looks only at the file of
    the function it is asked for; a kernel is compiled together with what it calls in other files,
    so that a change there would go unseen.
    """
    here = Path(__file__).parent
    package = here.parents[1]
    ours = [path.read_bytes() for path in sorted(here.glob("*.py"))]
    compiled = (b"@kernel", b"@inlined", b"@once", b"@apart", b"np.dtype", b"shared(")
    texts = [text for text in ours if any(sign in text for sign in compiled)]
    texts += [path.read_bytes() for name in SHARED for path in sorted(package.glob(name))]
    sources = b"".join(texts)
    digest = hashlib.sha256(sources).hexdigest()[:16]
    for place in (here / "__pycache__", home()):
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return str(place / f"kernel-{digest}")
    return ""


def _compile(function: F, **options: Any) -> F:
    # Nothing is allocated in a kernel and its arrays belong to the caller. Counting references to
    # them all the same (`_nrt`) would take ten times as long as the work.
    compiled: F = _njit(nogil=True, error_model="numpy", _nrt=False, **options)(function)
    return compiled


def kernel(function: F) -> F:
    """Compile a function that Python calls: no interpreter lock, cached, exact arithmetic.

    Without fastmath every sum and product is rounded as Python rounds it, so that what is a tie in
    the SimPy engine is one here. What it calls is in it, and is not kept by itself.
    """
    # The setting is read when a function is made cacheable; afterwards it is as it was.
    former = _settings.CACHE_DIR
    _settings.CACHE_DIR = folder() or former
    try:
        return _compile(function, cache=True)
    finally:
        _settings.CACHE_DIR = former


def inlined(function: F) -> F:
    """Compile a part of a kernel into each of its callers."""
    return _compile(function, forceinline=True, **_entrances(function))


def once(function: F) -> F:
    """Compile a part of a kernel as if it stood in the one place where it is called.

    Each part that is compiled by itself is optimised again with each that it is a part of.
    """
    return _compile(function, inline="always", **_entrances(function))


def part(function: F) -> F:
    """Compile a part of a kernel, made by another function, into each of its callers."""
    return _compile(function, forceinline=True, **WITHIN)


@cache
def shared(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls too, and what it calls, into each of its callers.

    One with a loop is called instead: it is long, and the call costs little beside it.
    """
    globals_ = function.__globals__
    called = [globals_.get(name) for name in function.__code__.co_names]
    own = {one.__name__: shared(one) for one in called if isinstance(one, FunctionType)}
    copy = FunctionType(function.__code__, globals_ | own, function.__name__, function.__defaults__)
    loops = any(step.opname.startswith("JUMP_BACKWARD") for step in get_instructions(copy))
    return _compile(copy, **WITHIN) if loops else part(copy)


def apart(function: F) -> F:
    """Compile a part of a kernel that is called seldom, or often from many places."""
    return _compile(function, **_entrances(function))


def _entrances(function: Callable[..., Any]) -> dict[str, bool]:
    """Settings by which a part that takes the whole `KernelState` is called by the kernel alone.

    A way in from Python unpacks every array of it; one for each part would double the time that the
    kernel takes to compile.
    """
    whole = function.__annotations__.get("w") == "KernelState"
    return {"no_cpython_wrapper": whole, "no_cfunc_wrapper": whole}
