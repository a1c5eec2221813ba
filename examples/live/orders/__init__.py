"""The orders of a café."""
