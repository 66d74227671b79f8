"""Training the models that benchmarks need and that nobody distributes."""
