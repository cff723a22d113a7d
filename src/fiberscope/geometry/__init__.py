"""Linear algebra at a point: what the network sees and what it cannot see."""
