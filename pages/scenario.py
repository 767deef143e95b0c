"""Scenario: who sends what to which GPU, under which policy."""

from driftsched.studio.page import page_setup
from driftsched.studio.scenario_editor.editor import editor
from driftsched.studio.sidebar import foot

page_setup("Scenario", "Who sends what, when and where, and who goes next?")
editor()
foot()
