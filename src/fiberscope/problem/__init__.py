"""What is explored: a latent map, a target and a box define a fiber."""
