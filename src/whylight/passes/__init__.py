"""What methods share: ways of driving a model once and of reading what it did."""
