"""Notes, each of one person."""
