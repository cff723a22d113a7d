"""Networks that ship or train here, and the door for a user's own."""
