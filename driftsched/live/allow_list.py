"""Which endpoints this server may call: its configuration says so, never a scenario or a user."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from driftsched.core.errors import InputError

__all__ = ["ALLOWED", "check_endpoint"]

ALLOWED = "DRIFTSCHED_ENDPOINTS"
"""Environment variable: hosts, or host:port, separated by commas; "loopback" stands for this
machine, "*" for every host. Unset is "loopback"."""


def check_endpoint(address: str) -> None:
    """Refuse an address that the server's configuration does not allow.

    Parameters
    ----------
    address : str
        Base address of an endpoint.

    Raises
    ------
    InputError
        One line that names the host and how to allow it.

    Examples
    --------
    >>> check_endpoint("http://127.0.0.1:8000/v1")
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        raise InputError("engine.endpoints must have a port from 0 to 65535") from None
    allowed = [entry.strip().lower() for entry in os.environ.get(ALLOWED, "loopback").split(",")]
    if "*" in allowed or host in allowed or f"{host}:{port}" in allowed:
        return
    if "loopback" in allowed and _loopback(host):
        return
    raise InputError(
        f"engine.endpoints must be allowed by this server's {ALLOWED} "
        f"({', '.join(filter(None, allowed))}), got host {host}:{port}"
    )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
