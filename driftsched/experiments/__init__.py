"""Several runs that answer one question: policies compared, many seeds, the paper again."""

from driftsched.experiments.compare import Comparison, compare, repeat
from driftsched.experiments.ensemble import Ensemble, run_ensemble
from driftsched.experiments.figures import Figures, warmup
from driftsched.experiments.reproduce import PaperResult, reproduce

__all__ = [
    "Comparison",
    "Ensemble",
    "Figures",
    "PaperResult",
    "compare",
    "repeat",
    "reproduce",
    "run_ensemble",
    "warmup",
]
