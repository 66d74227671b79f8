"""``scenes-answers``: a small model in LLaVA's format that answers questions about scenes in words."""

TOWER = "bundled_tower"
"""Under this name its configuration says which bundled model's picture tower it has: that is not stored again."""
