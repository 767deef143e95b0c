"""What the browser is given besides Streamlit's own front end: plotly.js and our components.

Streamlit sends a component's script along with each of its updates. So what it sends is a few lines
that import the script itself, a file in the static folder that the browser keeps.

>>> from driftsched.studio.front_end import Script, ensure_plotly_js
"""

from driftsched.studio.front_end.files import ensure_plotly_js
from driftsched.studio.front_end.script import Script

__all__ = ["Script", "ensure_plotly_js"]
