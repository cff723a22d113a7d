"""Variations: named changes of an image, and how visible each is to a network."""
