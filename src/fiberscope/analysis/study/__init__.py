"""A whole study of one network: every question about its preimages, on a choice of images, on one page."""
