"""The studio: everything the pages share. Each module is imported by its full name."""

__all__: list[str] = []
