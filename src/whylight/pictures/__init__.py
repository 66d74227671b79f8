"""Explaining pictures: which places of a picture a model rested on."""
