"""How fast fiberscope is beside its peers: python -m benchmarks.speed."""
