"""Benchmarks: a protocol, what it asks of a picture, rows of (picture, target, method), figures of rows."""
