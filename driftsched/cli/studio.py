"""``studio``: start the studio's server and open it in the browser."""

from __future__ import annotations

import argparse
import os
import sys

from driftsched import TOP

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--port", type=int, default=8501, help="of the server (default 8501)")
    parser.add_argument(
        "options",
        nargs="*",
        metavar="-- OPTION",
        help="options of `streamlit run`: -- --server.address=127.0.0.1 --server.headless=true",
    )


def run(args: argparse.Namespace) -> None:
    """Become ``streamlit run app.py``: signals and exit code are the server's own."""
    command = ["-m", "streamlit", "run", str(TOP / "app.py"), f"--server.port={args.port}"]
    os.execv(sys.executable, [sys.executable, *command, *args.options])  # noqa: S606  no shell meant
