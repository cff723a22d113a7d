"""Reading a Hugging Face folder with care, for the door in hugging_face.py."""
