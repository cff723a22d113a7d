"""What a run does: choose images, make the moves, keep arrays, tables and pictures in one folder."""
