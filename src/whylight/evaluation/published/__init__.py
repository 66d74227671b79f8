"""Published figures, each with its source, and the command that would reproduce it."""

from whylight.evaluation.published.tables import Cell, PublishedTable, figures_for, published_names, published_table

__all__ = ["Cell", "PublishedTable", "figures_for", "published_names", "published_table"]
