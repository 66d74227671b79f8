"""Inputs that are damaged, foreign or mad, a file for each kind; ``benchmarks/fuzz.py`` tries them by the thousand."""
