"""Rules of a trace: which recorded rows are taken, for which tenants, in which categories."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from driftsched.core.arrays import Bools, Ints
from driftsched.core.errors import ScenarioError, TraceError
from driftsched.scenario.model import Scenario
from driftsched.scenario.recorded import TraceSource
from driftsched.workload.streams import Streams, pick_by_share
from driftsched.workload.traces.rows import RecordedRows


def select(rows: RecordedRows, rules: TraceSource, streams: Streams) -> Ints:
    """Positions of the rows taken, in order of time, equal times as in the file.

    Clients and rows are drawn by the scenario's seed; `limit` is applied last.

    Raises
    ------
    TraceError
        No row is left.
    ScenarioError
        Clients are to be sampled, but the file names none.
    """
    order = np.argsort(rows.time_ns, kind="stable").astype(np.int64)
    since_s = (rows.time_ns[order] - rows.time_ns[order[0]]) / 1e9
    taken = since_s >= rules.from_s
    if rules.until_s is not None:
        taken &= since_s <= rules.until_s
    if rules.sample_clients < 1:
        taken &= _sampled(rows, rules, streams)[order]
    if rules.sample < 1:
        taken &= streams.get("trace_sample", 0, 1).random(len(order)) < rules.sample
    order = order[taken][: rules.limit]
    if len(order) == 0:
        raise TraceError(
            f"trace must have at least 1 row by the rules, got 0 of {len(rows.time_ns)}: widen "
            "from_s, until_s, sample_clients or sample"
        )
    return np.asarray(order)


def _sampled(rows: RecordedRows, rules: TraceSource, streams: Streams) -> Bools:
    """Whether each row's client is in the sample, which has at least one client."""
    if rows.client is None:
        raise ScenarioError(
            "trace.sample_clients must be 1 where the file does not say who sent a request, got "
            f"{rules.sample_clients:g}"
        )
    n = len(rows.clients)
    drawn = streams.get("trace_sample", 0, 0).permutation(n)
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[drawn[: max(1, round(n * rules.sample_clients))]] = True
    return chosen[rows.client]


def tenants(
    scenario: Scenario, rules: TraceSource, streams: Streams, rows: RecordedRows, order: Ints
) -> Ints:
    """Tenants of the rows taken, in order of time.

    Raises
    ------
    ScenarioError
        The rule is client, but the file does not say who sent a request.
    """
    n = len(order)
    if rules.tenant_rule == "round_robin":
        return np.arange(n, dtype=np.int64) % len(scenario.tenants)
    if rules.tenant_rule == "client":
        if rows.client is None:
            raise ScenarioError(
                "trace.tenant_rule must be share or round_robin where the file does not say who "
                "sent a request, got 'client'"
            )
        return _tenants_of_clients(scenario, rules, rows, order)[rows.client[order]]
    uniform = streams.get("tenants", 0).random(n)
    return pick_by_share(uniform, [tenant.share for tenant in scenario.tenants])


def _tenants_of_clients(
    scenario: Scenario, rules: TraceSource, rows: RecordedRows, order: Ints
) -> Ints:
    """Tenant of each client: as named, else of the same name, else dealt out by the shares.

    The busiest client is dealt first, each to the tenant that is furthest under its share.
    """
    assert rows.client is not None
    names = scenario.tenant_names
    counts = np.bincount(rows.client[order], minlength=len(rows.clients))
    given = rules.clients or {}
    target = np.array([tenant.share for tenant in scenario.tenants]) * len(order)
    found = np.full(len(rows.clients), -1, dtype=np.int64)
    for client, name in enumerate(rows.clients):
        tenant = given.get(name, name)
        if tenant in names:
            found[client] = names.index(tenant)
            target[found[client]] -= counts[client]
    for client in np.argsort(-counts, kind="stable"):
        if found[client] < 0:
            found[client] = int(np.argmax(target))
            target[found[client]] -= counts[client]
    return found


def categories(scenario: Scenario, rules: TraceSource, prompt: Ints, output: Ints) -> Ints:
    """Categories by the recorded lengths; of equal categories the earlier is the smaller."""
    if rules.category_rule == "output":
        bounds = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
        order = np.argsort(bounds, kind="stable")
        place = np.searchsorted(bounds[order], output, side="left")
    else:
        bases = np.array([c.base_tokens for c in scenario.categories], dtype=np.int64)
        order = np.argsort(bases, kind="stable")
        parts = np.arange(1, len(bases)) / len(bases)
        place = np.searchsorted(np.quantile(prompt, parts), prompt, side="left")
    return order[np.minimum(place, len(order) - 1)].astype(np.int64)


class Misfits(NamedTuple):
    """What does not fit into the context; see `TraceImport`."""

    rows_cut: int
    tokens_cut: int
    rows_too_long: int
    tokens_too_long: int

    @classmethod
    def of(cls, prompt: Ints, output: Ints, context: int) -> Self:
        """Count over requests with so many tokens of prompt and answer, arrays (n,)."""
        whole, too_long = prompt + output, prompt >= context
        over = np.where(too_long, 0, np.maximum(whole - context, 0))
        counts = (over > 0).sum(), over.sum(), too_long.sum(), whole[too_long].sum()
        return cls(*map(int, counts))

    def in_words(self, context: int, longest: int) -> tuple[str, ...]:
        """Say it, a sentence each; the longest prompt has `longest` tokens."""
        said = []
        if self.rows_too_long:
            said.append(
                f"{self.rows_too_long:,} prompts ({self.tokens_too_long:,} tokens with their "
                f"answers) fill the context of {context:,} tokens and are rejected; "
                f"cluster.context_tokens over {longest:,} holds them"
            )
        if self.rows_cut:
            said.append(
                f"{self.rows_cut:,} answers are cut to what their prompts leave of the context, by "
                f"{self.tokens_cut:,} tokens"
            )
        return tuple(said)


def in_words(rules: TraceSource, rows: RecordedRows, in_order: bool) -> tuple[str, ...]:
    """What the rules do, a sentence each."""
    by_tenant = {
        "share": "tenants are drawn by their shares",
        "round_robin": "tenants take turns",
        "client": f"each of the file's {len(rows.clients)} clients belongs to one tenant",
    }
    by_category = {
        "output": "foresight: the category is the smallest whose max_output_tokens holds the "
        "recorded answer, else the largest, so that estimates know about it",
        "prompt": "categories in order of base_tokens take equal parts of the prompt lengths, the "
        "shortest prompts first",
    }
    answers = {
        True: "answers are cut at the category's max_output_tokens",
        False: "answers keep their recorded length; what was allowed is the rest of the context",
    }
    said = [by_tenant[rules.tenant_rule], by_category[rules.category_rule], answers[rules.cap]]
    said.append("prompt texts are made up from the category's templates")
    if rows.predicted_tokens is not None:
        known = int((~np.isnan(rows.predicted_tokens)).sum())
        said.append(f"the file predicts {known:,} answers, for the predictor column")
    if rules.time_scale != 1:
        said.append(f"times are multiplied by {rules.time_scale:g}")
    if not in_order:
        said.append(
            "rows were out of order and have been sorted by time, equal times as in the file"
        )
    if rows.unanswered:
        said.append(f"{rows.unanswered} failed requests, without any output, are left out")
    if rules.from_s or rules.until_s is not None:
        until = "the end" if rules.until_s is None else f"{rules.until_s:g} s"
        said.append(f"only what was recorded from {rules.from_s:g} s to {until} is taken")
    if rules.sample_clients < 1:
        said.append(f"{100 * rules.sample_clients:g} % of the clients are taken")
    if rules.sample < 1:
        said.append(f"{100 * rules.sample:g} % of the requests are taken, at random")
    if rules.limit is not None:
        said.append(f"only the first {rules.limit} rows in order of time are taken")
    return (*said, *rows.notes)
