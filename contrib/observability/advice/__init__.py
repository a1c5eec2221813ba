"""Advice: what requests and the database show to be slow, where it is, why, and what to change."""
