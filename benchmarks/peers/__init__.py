"""Whylight and other libraries side by side: see ``benchmarks/against_peers.py``."""
