"""Layouts: one file for each way in which a family lays a picture's tokens out.

Each takes the question, which of its pictures is meant, and the positions of the image tokens from that picture's first
on, and returns the picture's grids and how many of those tokens are its own.
"""
