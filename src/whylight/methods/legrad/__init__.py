"""LeGrad: what it is (``legrad``), and the roads on which it is computed."""
