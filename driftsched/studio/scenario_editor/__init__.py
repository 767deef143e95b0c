"""The Scenario page's parts: everything in a scenario, edited in the browser."""
