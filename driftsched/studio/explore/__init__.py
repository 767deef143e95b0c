"""The parts of the Explore page, in the order in which it shows them."""

from driftsched.studio.explore.controls import controls






__all__ = ["controls", "estimates", "headline", "latency", "queues", "service"]
