"""Names of the widgets that several pages or the frame know."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Key"]


class Key(StrEnum):
    """Every widget key of the frame and of Explore, Paper and Run."""

    PRESET = "preset"
    SEED = "seed"
    POLICY = "policy"
    LOAD = "load"
    BURSTS = "bursts"
    STEP = "step"
    REPLICATIONS = "replications"
    REPLICAS = "replicas"
    CUT = "cut"
    MORE = "more"
    SWEEP_LEVEL = "sweep_level"
    SERVICE_LEVEL = "service_level"
    POLICIES = "policies"
    ENGINE_MODE = "engine_mode"
    BATCH_SIZE = "batch_size"
    UNIT = "unit"
    LENGTHS = "lengths"
    COMPENSATOR = "compensator"
    CLASSIFIER = "classifier"
    RESET = "reset"
    SAVE = "save"
    IMAGE = "image"
    METRIC = "metric"
    PERCENTILES = "percentiles"
    SPLIT = "split"
    SCOPE = "scope"
    QUEUE_POLICY = "queue_policy"
    DRIFT_POLICY = "drift_policy"
    PAPER_UNIT = "paper_unit"
    PAPER_MODE = "paper_mode"
    PAPER_LENGTHS = "paper_lengths"
    PAPER_SEEDS = "paper_seeds"
