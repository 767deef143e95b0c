"""The registry of live engines. A new engine is one module with its parameters and one line here.

The parameters' modules import no heavy library: those load when the engine is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.live.openai_options import OpenAIOptions
from driftsched.live.spec import EngineSpec
from driftsched.live.torch_options import TorchOptions

__all__ = ["ENGINES", "EngineConfig", "EngineSpec"]

ENGINES: Registry[type[EngineSpec]] = Registry("engine")
ENGINES.add("torch", TorchOptions)
ENGINES.add("openai", OpenAIOptions)

if TYPE_CHECKING:
    EngineConfig = EngineSpec
else:
    EngineConfig = by_kind(ENGINES)
