"""Numbers to pictures; computes nothing."""
