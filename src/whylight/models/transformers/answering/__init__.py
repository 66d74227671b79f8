"""Models of transformers that answer in words: how each is driven, and where the picture's tokens lie."""
