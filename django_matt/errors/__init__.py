"""Errors: the exceptions to raise, the responses to them, and the mapping between the two."""
