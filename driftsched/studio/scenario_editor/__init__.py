"""The Scenario page's parts: everything in a scenario, edited in the browser."""

from driftsched.studio.scenario_editor.editor import editor

__all__ = ["editor"]
