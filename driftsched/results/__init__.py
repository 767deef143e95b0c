"""Tables of a run, metrics, statistics, exports, the run library."""

from driftsched.core.home import home as library_home
from driftsched.results.energy import ENERGY_METRICS, energy_over_time, energy_summary
from driftsched.results.estimation_error import (
    confusion,
    drift,
    estimation_error,
    estimation_table,
    misclassified_share,
    replay,
    without_compensation,
)
from driftsched.results.export import csv_text, export_zip, write_csv
from driftsched.results.fairness import (
    fairness_summary,
    jain_index,
    service_gaps,
    weighted_service,
)
from driftsched.results.library import RunLibrary
from driftsched.results.metrics import metrics_table, summarise
from driftsched.results.outcomes import STATUSES
from driftsched.results.paper_csv import (
    paper_metrics,
    paper_queue_depth,
    paper_tables,
    paper_telemetry,
)
from driftsched.results.percentiles import percentile_columns
from driftsched.results.pooled import (
    Estimate,
    PooledSample,
    paired_pool_change,
    unpaired_pool_change,
)
from driftsched.results.queues import even_times, sample_queues
from driftsched.results.run_length import (
    Warmup,
    advice,
    mser5,
    replications_needed,
    replications_of,
)
from driftsched.results.statistics import PairedChange, mean_interval, paired_change
from driftsched.results.storage import read_run, write_parquet
from driftsched.results.tables import RunResult
from driftsched.results.within_run import WithinRun, within_intervals

__all__ = [
    "ENERGY_METRICS",
    "STATUSES",
    "Estimate",
    "PairedChange",
    "PooledSample",
    "RunLibrary",
    "RunResult",
    "Warmup",
    "WithinRun",
    "advice",
    "confusion",
    "csv_text",
    "drift",
    "energy_over_time",
    "energy_summary",
    "estimation_error",
    "estimation_table",
    "even_times",
    "export_zip",
    "fairness_summary",
    "jain_index",
    "library_home",
    "mean_interval",
    "metrics_table",
    "misclassified_share",
    "mser5",
    "paired_change",
    "paired_pool_change",
    "paper_metrics",
    "paper_queue_depth",
    "paper_tables",
    "paper_telemetry",
    "percentile_columns",
    "read_run",
    "replay",
    "replications_needed",
    "replications_of",
    "sample_queues",
    "service_gaps",
    "summarise",
    "unpaired_pool_change",
    "weighted_service",
    "within_intervals",
    "without_compensation",
    "write_csv",
    "write_parquet",
]
