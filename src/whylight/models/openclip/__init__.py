"""OpenCLIP: dual encoders whose picture tower is OpenCLIP's own vision transformer or a timm trunk."""
