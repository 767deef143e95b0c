"""Others' measurements: coefficients come back from a table that they made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError
from driftsched.live.calibration import calibrate
from driftsched.live.hardware_entry import read_entry
from driftsched.live.iteration_table import read_iteration_table
from driftsched.scenario import load_scenario
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import CoefficientsConfig
from driftsched.serving.iteration import iteration_seconds
from tests.support.commands import called

TRUE = CoefficientsConfig(
    overhead_s=0.002, weights_s=0.008, token_s=3e-5, kv_token_s=2e-8, attention_s=1e-9
)


COLUMNS = ["ms", "decode_requests", "context_tokens", "prompts", "prompt_tokens"]


def table() -> pd.DataFrame:
    """Decoding at several batch sizes and contexts, prefills at several lengths, 2 % of noise."""
    cost, rng = TRUE.build(GPUS["L4"], MODELS["llama-3-8b"]), np.random.default_rng(1)
    rows = [
        (iteration_seconds(cost, batch, batch * context, 0, batch, 0), batch, context, 0, 0)
        for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256)
        for context in (128, 512, 2048, 8192)
    ]
    rows += [
        (iteration_seconds(cost, length, 0, length**2, 1, 1), 0, 0, 1, length)
        for length in (16, 64, 256, 1024, 2048, 4096, 8192)
        for _ in range(3)
    ]
    found = pd.DataFrame(rows, columns=COLUMNS)
    found["ms"] *= 1e3 * rng.normal(1, 0.02, len(found))
    return found.assign(gpu="L4")


def test_coefficients_of_a_table_come_back(tmp_path: Path) -> None:
    file = tmp_path / "theirs.csv"
    table().to_csv(file, index=False)
    found = calibrate(read_iteration_table(file), file.name)
    for name in ("overhead_s", "weights_s"):
        assert found.coefficients[name] == pytest.approx(getattr(TRUE, name), rel=0.3)
    for name in ("token_s", "kv_token_s", "attention_s"):
        assert found.coefficients[name] == pytest.approx(getattr(TRUE, name), rel=0.1)
    assert found.fit["median_relative_error"] < 0.03
    assert found.cost().provenance.startswith("theirs.csv: fitted to 57 stretches")


def test_the_command_writes_an_entry_that_scenarios_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "theirs.csv", tmp_path / "theirs.yaml"
    measured = table()
    measured["seconds"] = measured.pop("ms") / 1e3
    measured.to_csv(file, index=False)
    code, text, _ = called(capsys, "calibrate", "--table", str(file), "--out", str(out))
    assert code == 0
    assert text.startswith("theirs.csv")
    cost = read_entry(out).cost.model_dump_json()
    assert load_scenario("paper", [f"cluster.cost={cost}"]).cluster.cost is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be CSV with a header"),
        ("decode_requests\n1\n", "must have one column of seconds, ms, us, got none"),
        ("ms,us,prompts\n1,1,1\n", "got ms, us"),
        ("ms,decode_requests\n1,2\nx,3\n", "row 2, column ms must be a number from 0 to"),
        ("ms,decode_requests\n1,-2\n", "row 1, column decode_requests must be a number"),
        ("ms,context_tokens\n1,5\n", "row 1 must take time and have decode_requests"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_message(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "theirs.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_iteration_table(file)


def test_a_table_is_asked_for_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called(capsys, "calibrate", "run", "--table", str(tmp_path))
    assert code == 2
    assert "calibrate needs one of a run, --table, and --engine" in err
