"""Writing an exported program anew from what is allowed, for the door in exported_program.py."""
