"""How well a map finds what it is asked for: protocols, data readers, benchmarks made of both, published figures."""
