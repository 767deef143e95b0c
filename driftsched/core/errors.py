"""The one exception tree of DriftSched.

::

    DriftSchedError
    ├── InputError            bad input from a user: one line naming what, the rule and the value
    │   ├── ScenarioError     a scenario field breaks a rule
    │   ├── TraceError        a traffic file cannot be read (line and column named)
    │   └── UnknownNameError  a name that no registry or preset folder knows
    └── RunError              a run could not be carried out
        └── CancelledError    the user stopped it
"""

__all__ = [
    "CancelledError",
    "DriftSchedError",
    "InputError",
    "RunError",
    "ScenarioError",
    "TraceError",
    "UnknownNameError",
]


class DriftSchedError(Exception):
    """Base of every error that DriftSched raises on purpose."""


class InputError(DriftSchedError, ValueError):
    """Bad input: the message is one line that names what, the rule and the value."""


class ScenarioError(InputError):
    """A scenario field breaks a rule."""


class TraceError(InputError):
    """A traffic file cannot be read; the message names line and column."""


class UnknownNameError(InputError):
    """A name that is not registered; the message lists the known ones."""


class RunError(DriftSchedError):
    """A run could not be carried out."""


class CancelledError(RunError):
    """The user stopped the run."""
