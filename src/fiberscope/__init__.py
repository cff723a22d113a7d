"""fiberscope: which images a neural network cannot tell apart."""
