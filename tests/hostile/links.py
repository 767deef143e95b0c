"""Links by chance, some against a real server: read in linear time, never markup or a fault."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import time
import zlib
from urllib.parse import parse_qs, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from driftsched.core.errors import InputError
from driftsched.scenario import preset_names
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.view import IN_LINK, MAX_LINK, SCENARIO, read_link
from tests.hostile.visitor import Visitor
from tests.support.browser import Server

__all__ = ["trial"]

SERVED = 20
"""One link in so many goes to a real server, at least `LEAST`."""
LEAST, LIMIT_S = 5, 60.0
PAGES = ("", "run", "sweep", "scenario", "drift_lab", "paper")
SLOW_S = 1.0
"""Of CPU for one link: none has so much to say."""
EVIL = "https://evil.example/p.png"
TEXTS = (
    f"![p]({EVIL})",
    f"[l]({EVIL})",
    f"<img src={EVIL}>",
    f"<a href={EVIL}>",
    f"<script>fetch('{EVIL}')</script>",
    "{{7*7}}",
    "${x}",
    ":material/home:",
    "$\\href{" + EVIL + "}{x}$",
    "`a`",
    "| a |",
    "\u202e",
    "\ud800",
    "\0",
    "\r\n- x",
    "é" * 300,
)
VALUES = (
    *("", "0", "-1", "1", "7", "1e9", "1e400", "nan", "inf", "0x10", "1_000", "true", "no", "null"),
    *("2" * 400, "1:2:3", ":".join(["59"] * 300), "[1]", "{a: 1}", "[" * 500, "*a", "&a [*a]"),
    *("!!python/object:os.system", "~", "2001-01-01", "fifo", "fifo,sjf", "tenant", "P99"),
    *("Simulated", "Live", "yes", "50, 90", "cv=3", "aging.rate=0.02", "aging.rate=x", "%", "+"),
)
PLACES = (
    *("seed", "title", "question", "name", "phases.0.requests", "phases.1.requests", "phases.9.x"),
    *("phases.0.arrivals.kind", "phases.0.arrivals.rate_rps", "tenants.0.name", "tenants.0.share"),
    *("tenants", "engine.mode", "engine.batch_size", "cluster.replicas", "cluster.gpu", "lengths"),
    *("trace.file", "trace", "drift.0.factor", "estimator.compensator.kind", "policy.kind", "x.y"),
    *("estimator", "", ".", "phases.-1.requests", "cluster.pools.0.gpu", "metrics.percentiles"),
)
DRAWN = re.compile(r"(?<!\\)\]\(|(?<!\\)<(?:img|a|script|iframe)\b|https?://", re.IGNORECASE)
"""What Markdown would make a link or a picture of; what is shown as text is escaped."""


def trial(seed: int, n: int) -> list[str]:
    """Read `n` links, some of them by a server; say what went wrong, one line each."""
    rng = random.Random(seed)
    links = [_link(rng) for _ in range(n)]
    found = [said for link in links if (said := _tried(link))]
    found += [said for size in (1, 4) if (said := _growth(size))]
    few = links[: max(LEAST, n // SERVED)]
    with Server.studio() as server:
        found += asyncio.run(_served(server.url, few, rng))
        log = server.log.read_text(errors="replace")
    return [*found, *(f"the log has {line}" for line in re.findall("Traceback.*", log))]


def _link(rng: random.Random) -> list[tuple[str, str]]:
    names = [*IN_LINK, *SCENARIO, "set", "set", "set", "tune", "x", "", "embed", rng.choice(TEXTS)]
    return [
        (name, _value(rng, name))
        for name in rng.choices(names, k=rng.choice((1, 2, 3, 5, 8, 40)))
        for _ in range(rng.choice((1, 1, 1, 2, 200 if rng.random() < 0.02 else 1)))
    ]


def _value(rng: random.Random, name: str) -> str:
    any_one = rng.choice((*TEXTS, *VALUES, *POLICIES, *preset_names()))
    if name == "set" and rng.random() < 0.9:
        return f"{rng.choice(PLACES)}={any_one}"
    if name == "scenario" and rng.random() < 0.8:
        return _packed(rng)
    return any_one


def _packed(rng: random.Random) -> str:
    made = rng.choice(
        (
            json.dumps({"seed": rng.choice((1, -1, 2**70, "x")), "phases": []}).encode(),
            b"[" * 100_000,
            b"{" + b'"a":{' * 5000,
            b"0" * rng.choice((10, 10_000_000)),
            rng.randbytes(50),
        )
    )
    text = base64.urlsafe_b64encode(zlib.compress(made)).decode()
    return text[: rng.choice((len(text), rng.randint(0, len(text))))]


def _tried(link: list[tuple[str, str]]) -> str:
    """What is wrong with how a link is taken; empty where nothing is."""
    params: dict[str, list[str]] = {}
    for name, value in link:
        params.setdefault(name, []).append(value)
    began = time.process_time()
    try:
        view = read_link(params)
        again = view.link
        view.variants  # noqa: B018  it must be possible to look at it
        if again is not None:
            as_lists = {k: v if isinstance(v, list) else [v] for k, v in again.items()}
            back = read_link(as_lists)
            if back.problems or back.scenario != view.scenario:
                return f"{link!r}: its own link reads otherwise: {back.problems}"
        long = [problem for problem in view.problems if len(problem) > 600 or "\n" in problem]
        if long:
            return f"{link!r}: a long problem {long[0][:200]!r}"
    except InputError as error:
        return f"{link!r}: refused where it should be taken in part: {error}"
    except Exception as error:  # noqa: BLE001  any other is what is looked for
        return f"{link!r}: {type(error).__name__}: {error}"
    took = time.process_time() - began
    return f"{str(link)[:300]}: {took:.1f} s" if took > SLOW_S else ""


def _growth(times: int) -> str:
    """A link of one right change again and again, and a wrong one at last."""
    params = {"set": ["seed=1"] * (times * MAX_LINK // 40) + ["seed=x"]}
    began = time.process_time()
    read_link(params)
    took = time.process_time() - began
    return f"{len(params['set'])} changes take {took:.1f} s" if took > SLOW_S else ""


async def _served(url: str, links: list[list[tuple[str, str]]], rng: random.Random) -> list[str]:
    found = []
    for link in links:
        query = urlencode(link, errors="replace")
        parse_qs(query)
        async with Visitor(url, rng.choice(PAGES), query) as visitor:
            try:
                await visitor.open(LIMIT_S)
            except (OSError, TimeoutError, WebSocketException) as error:
                found.append(f"{query[:300]}: {error!r}")
                continue
            drawn = [text for text in visitor.texts() if DRAWN.search(text)]
            found += [f"{query[:300]}: {text[:200]!r} is drawn" for text in drawn]
            found += [f"{query[:300]}: {problem}" for problem in visitor.problems]
            await visitor.send(BackMsg(stop_script=True))
    return found
