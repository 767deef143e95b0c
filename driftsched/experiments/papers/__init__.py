"""Published experiments, repeated: each a module with its settings, and a line here."""

from driftsched.core.registry import Registry
from driftsched.experiments.papers.base import Paper, Reproduction

__all__ = ["DRIFTSCHED", "PAPERS", "Paper", "Reproduction"]

DRIFTSCHED = "driftsched"
PAPERS: Registry[Paper] = Registry("paper", __name__)
PAPERS.add(DRIFTSCHED, "drift_sched:PAPER")
PAPERS.add("clairvoyant", "clairvoyant:PAPER")
PAPERS.add("vtc", "vtc:PAPER")
PAPERS.add("mc-sf", "mc_sf:PAPER")
PAPERS.add("asr-drift", "asr_drift:PAPER")
PAPERS.add("a-min", "a_min:PAPER")
