"""Tracebacks for developers: frames, hints, the error page, the terminal. Imported only where ``DEBUG`` is on."""
