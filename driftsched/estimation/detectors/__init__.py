"""Detectors of drift. A new detector is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.estimation.detectors.base import Detector, DetectorSpec

__all__ = ["DETECTORS", "Detector", "DetectorConfig", "DetectorSpec"]

DETECTORS: Registry[type[DetectorSpec]] = Registry("detector", __name__)
DETECTORS.add("none", "none:NoDetectorConfig")
DETECTORS.add("page_hinkley", "page_hinkley:PageHinkleyConfig")
DETECTORS.add("cusum", "cusum:CusumConfig")

if TYPE_CHECKING:
    DetectorConfig = DetectorSpec
else:
    DetectorConfig = by_kind(DETECTORS)
