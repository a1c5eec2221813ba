"""A contrib app of the tests: HTML as a format, on public names alone."""
