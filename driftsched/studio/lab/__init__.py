"""The parts of the Drift lab page."""
