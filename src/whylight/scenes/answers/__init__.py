"""``scenes-answers``: a small model in LLaVA's format that answers questions about scenes in words."""
