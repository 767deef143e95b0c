"""DriftSched Studio: multi-tenant LLM inference scheduling under runtime token drift."""

__version__ = "0.1.0"
__all__ = ["__version__"]
