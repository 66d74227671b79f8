"""timm: vision transformers with one constant grid of tokens."""
