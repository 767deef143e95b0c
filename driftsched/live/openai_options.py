"""Parameters of an OpenAI-compatible endpoint, and which ones this server may call."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from driftsched.core.errors import InputError
from driftsched.live.engine import EngineSpec, PriorityOrder

API_KEY = "DRIFTSCHED_API_KEY"
"""The environment variable that holds the key, where no other one is named."""
ALLOWED = "DRIFTSCHED_ENDPOINTS"
"""The environment variable that lists the endpoints this server may call, separated by commas: base
addresses, hosts or host:port; "loopback" stands for this machine, "*" for every host. Unset is
"loopback". After an entry, set apart by a space, may stand the environment variable with its key.
A scenario or a user cannot say so."""
USUAL = "http://127.0.0.1:8000/v1"
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~\-/]*)?")


class OpenAIOptions(EngineSpec):
    """One or more endpoints that speak OpenAI's HTTP interface, such as vLLM's or llama.cpp's.

    A key itself is never a parameter: it comes from the environment variable that stands beside the
    endpoint in DRIFTSCHED_ENDPOINTS, else `key_variable`; and it goes only to endpoints that are
    named there, not to those that "loopback" or "*" let in.
    """

    engine: ClassVar[str] = "driftsched.live.openai_engine:OpenAIEngine"
    kind: Literal["openai"] = "openai"
    endpoints: tuple[str, ...] = Field(
        (USUAL,),
        min_length=1,
        max_length=64,
        title="Addresses",
        description="base address of the server, up to /v1; several, set apart by commas, are "
        "replicas of one model; a key for them is read from the server's environment",
    )
    model: str | None = Field(
        None,
        min_length=1,
        max_length=300,
        description="as the server names it; none takes the first it lists",
    )
    api: Literal["chat", "completions"] = Field(
        "chat",
        title="Requests as",
        description="chat applies the model's template; completions sends the bare prompt",
    )
    key_variable: str = Field(API_KEY, description="environment variable that holds the key")
    priority: Literal["none", "lower_first", "higher_first"] = Field(
        "none",
        title="Priority in the request",
        description="lower_first: vLLM with --scheduling-policy priority; higher_first: SGLang",
    )
    send_seed: bool = Field(True, description="send each request's own sampling seed")
    prefix_cache: bool = Field(
        False, description="llama.cpp: beginnings of prompts that it knows are not computed again"
    )
    connect_timeout_s: float = Field(5.0, gt=0, le=120)
    max_answer_bytes: int = Field(8_000_000, ge=1000, le=1_000_000_000)
    max_line_bytes: int = Field(256_000, ge=1000, le=100_000_000)

    @field_validator("endpoints")
    @classmethod
    def _addresses(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        for address in endpoints:
            if len(address) > 300 or not ADDRESS.fullmatch(address) or not _readable(address):
                # Not shown: what was meant may hold a password.
                raise ValueError(
                    "must be http(s)://host[:port][/path] without user, key or query, "
                    "got one that is not"
                )
        return tuple(address.rstrip("/") for address in endpoints)

    @field_validator("key_variable")
    @classmethod
    def _variable(cls, name: str) -> str:
        if not VARIABLE.fullmatch(name):
            # Not shown: a key may have been put here by mistake.
            raise ValueError("must be the name of an environment variable in capitals")
        return name

    @property
    def priority_order(self) -> PriorityOrder | None:
        return None if self.priority == "none" else self.priority


def check_endpoint(address: str) -> None:
    """Refuse an endpoint's base address that the server's configuration does not allow.

    Raises
    ------
    InputError
        One line that names the host and how to allow it.

    Examples
    --------
    >>> check_endpoint("http://127.0.0.1:8000/v1")
    """
    host, port = _host_and_port(address)
    entries = [entry.lower() for entry, _ in _entries()]
    if "*" in entries or _named(address) is not None or ("loopback" in entries and _loopback(host)):
        return
    raise InputError(
        f"engine.endpoints must be allowed by this server's {ALLOWED} "
        f"({', '.join(entries)}), got host {host}:{port}"
    )


def key_variable(address: str, usual: str) -> str | None:
    """Environment variable with the key of an endpoint; None where no entry names the endpoint."""
    named = _named(address)
    return None if named is None else named or usual


def offered_endpoints() -> list[str]:
    """Base addresses that the operator names; the usual one of a local server where none is."""
    addresses = [
        entry if "://" in entry else f"http://{entry}/v1"
        for entry, _ in _entries()
        if "://" in entry or ":" in entry
    ]
    return addresses or [USUAL]


def any_endpoint() -> bool:
    """Whether the operator says that not only named endpoints may be called."""
    return ALLOWED in os.environ and any(
        entry.lower() in ("*", "loopback") for entry, _ in _entries()
    )


def place_of(address: str) -> str:
    """Where an endpoint is: the same for all names, addresses and paths of one server."""
    host, port = _host_and_port(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        ip = ipaddress.ip_address(found)
    except (OSError, UnicodeError, ValueError):
        return f"{host}:{port}"
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return f"{'loopback' if ip.is_loopback or ip.is_unspecified else ip}:{port}"


def _entries() -> list[tuple[str, str]]:
    """What is allowed, and the variable with its key; "" for the usual one."""
    found = []
    for entry in os.environ.get(ALLOWED, "loopback").split(","):
        what, _, variable = entry.strip().partition(" ")
        if what:
            found.append((what.rstrip("/"), variable.strip()))
    return found


def _named(address: str) -> str | None:
    """The variable beside the entry that names an endpoint; None where there is none."""
    host, port = _host_and_port(address)
    for entry, variable in _entries():
        place = "{}:{}".format(*_host_and_port(entry)) if "://" in entry else entry.lower()
        if place in (host, f"{host}:{port}"):
            return variable
    return None


def _host_and_port(address: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        raise InputError("engine.endpoints must have a port from 0 to 65535") from None
    return (parts.hostname or "").lower(), port


def _readable(address: str) -> bool:
    """Whether there is a host in an address, and what stands in brackets is one of IPv6."""
    try:
        return bool(urlsplit(address).hostname)
    except ValueError:
        return False


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
