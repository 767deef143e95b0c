"""Several runs that answer one question: comparison of policies, the published experiment."""

from driftsched.experiments.compare import Comparison, collect, compare
from driftsched.experiments.replicate import Run, replications
from driftsched.experiments.reproduce import PaperResult, reproduce

__all__ = [
    "Comparison",
    "PaperResult",
    "Run",
    "collect",
    "compare",
    "replications",
    "reproduce",
]
