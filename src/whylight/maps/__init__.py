"""Maps of many pictures: what is asked of each, rows of what came out, and the way back to explanations."""
