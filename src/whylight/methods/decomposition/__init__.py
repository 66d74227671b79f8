"""A model's output split exactly over layers, heads and tokens (Gandelsman et al., ICLR 2024)."""

from whylight.methods.decomposition import heat_map as _heat_map  # noqa: F401
from whylight.methods.decomposition.decompose import Decomposition, decompose
from whylight.methods.decomposition.split import Split, split_output

__all__ = ["Decomposition", "Split", "decompose", "split_output"]
