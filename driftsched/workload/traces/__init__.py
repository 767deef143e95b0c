"""Recorded traffic: read a file, tell its format, map its rows to requests."""
