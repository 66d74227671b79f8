"""Hugging Face transformers: dual encoders, picture and text classifiers, backbones."""

from whylight.models.transformers.load import load_transformers
from whylight.models.transformers.wrap import wrap_transformers

__all__ = ["load_transformers", "wrap_transformers"]
