"""Whylight: why a vision transformer said what it said."""
