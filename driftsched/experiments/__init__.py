"""Several runs that answer one question: policies compared, many seeds, the paper again."""

from driftsched.experiments.compare import Comparison, collect, compare
from driftsched.experiments.ensemble import Ensemble, run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.experiments.repeat import repeat
from driftsched.experiments.replicate import Run, replications
from driftsched.experiments.reproduce import PaperResult, reproduce

__all__ = [
    "Comparison",
    "Ensemble",
    "Figures",
    "PaperResult",
    "Run",
    "collect",
    "compare",
    "repeat",
    "replications",
    "reproduce",
    "run_ensemble",
]
