"""The simulated half of the Run page, and what both halves show of a run."""
