"""Long work in shards: what is done is stored, and never done again."""
