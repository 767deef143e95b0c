"""Re-estimate a finished stream of requests under another compensator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.scheduling.request import Request

if TYPE_CHECKING:
    from driftsched.estimation.compensators import CompensatorSpec
    from driftsched.scenario.model import Scenario

__all__ = ["finished_rows", "replay"]


def finished_rows(requests: pd.DataFrame) -> pd.DataFrame:
    """Rows of the requests that finished, in the table's order."""
    return requests[(requests["status"] == "finished").to_numpy(dtype=bool)]


def replay(
    requests: pd.DataFrame, scenario: Scenario, compensator: CompensatorSpec
) -> NDArray[np.int64]:
    """Estimates that `compensator` would have given, had all else gone as it did.

    Events are walked in order of time: an arrival asks ``predict_one``, a finish teaches
    ``learn_one`` with actual / base tokens, as in the gateway. Of events at one instant arrivals
    come first, then finishes, each in order of request_id: the simulated replicas' order.

    Parameters
    ----------
    requests : DataFrame
        Requests table. Rows that did not finish are estimated but teach nothing.
    scenario : Scenario
        The run's scenario.
    compensator : CompensatorSpec
        What to replay; for the run's own kind and parameters the run's estimates come back.

    Returns
    -------
    array of int, shape (len(requests),)
        estimated_output_tokens, row by row.
    """
    stream = _requests(requests, scenario)
    predictor = compensator.build(len(scenario.categories))
    predict, learn = predictor.predict_one, predictor.learn_one
    estimates = np.zeros(len(stream), dtype=np.int64)
    for event in _events(requests).tolist():
        place, finish = divmod(event, 2)
        request = stream[place]
        if finish:
            learn(request, request.output_length / request.base_tokens)
        else:
            estimates[place] = int(request.uncorrected_estimate * predict(request))
    return estimates


def _events(requests: pd.DataFrame) -> NDArray[np.int64]:
    """Events in order: twice the row's position, plus one for a finish."""
    arrival, finish = (requests[n].to_numpy(np.float64) for n in ("arrival_s", "finish_s"))
    ids = requests["request_id"].to_numpy(np.int64)
    places = np.arange(len(requests))
    done = np.flatnonzero((requests["status"] == "finished").to_numpy(dtype=bool))
    events = np.concatenate([2 * places, 2 * done + 1])
    times = np.concatenate([arrival, finish[done]])
    return events[np.lexsort((np.concatenate([ids, ids[done]]), events % 2, times))]


def _requests(requests: pd.DataFrame, scenario: Scenario) -> list[Request]:
    """Rows of the table as the gateway saw them."""

    def column(name: str) -> list[Any]:
        return requests[name].to_numpy().tolist()

    def codes(name: str, names: list[str]) -> list[int]:
        return pd.Categorical(requests[name], categories=names).codes.tolist()

    tenants = codes("tenant", scenario.tenant_names)
    ranks = [tenant.rank for tenant in scenario.tenants]
    base = requests["base_tokens"].to_numpy(np.int64)
    prior = base * requests["safety_factor"].to_numpy() * requests["input_factor"].to_numpy()
    return [
        Request(*values)
        for values in zip(
            column("request_id"),
            tenants,
            [ranks[tenant] for tenant in tenants],
            codes("predicted_category", scenario.category_names),
            column("arrival_s"),
            column("prompt_tokens"),
            column("output_tokens"),
            column("max_output_tokens"),
            column("counted_prompt_tokens"),
            column("counted_output_tokens"),
            base.tolist(),
            prior.tolist(),
            strict=True,
        )
    ]
