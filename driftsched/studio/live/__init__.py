"""Live runs on the pages: who runs what on which engine, and how it is set up and watched."""
