"""Mutated files at the doors of fiberscope: none may run code, end in a raw error, or take memory without end."""
