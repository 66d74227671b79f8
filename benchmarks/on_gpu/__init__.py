"""LeGrad on a GPU against what the GPU could do at best: see ``benchmarks/gpu.py``."""
