"""What a torch function does under relevance propagation: ``handler(mode, func, *args, **kwargs)``, by kind."""
