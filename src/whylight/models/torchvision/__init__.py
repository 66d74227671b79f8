"""torchvision: its VisionTransformer."""
