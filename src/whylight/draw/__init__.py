"""Pictures of explanations: overlays and figures."""
