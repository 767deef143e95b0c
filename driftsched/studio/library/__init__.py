"""The parts of the Library page: what is kept, what it is called, and how it comes and goes."""
