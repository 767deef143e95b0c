"""What the browser is given besides Streamlit's own front end: plotly.js and our components.

Streamlit sends a component's script along with each of its updates. So what it sends is a few lines
that import the script itself, which the server answers for and the browser keeps.
"""
