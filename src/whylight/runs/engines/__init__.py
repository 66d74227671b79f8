"""Who does which shards, and where. What is done already is for the library to know, never for an engine."""
