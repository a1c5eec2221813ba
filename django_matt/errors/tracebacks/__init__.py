"""Tracebacks for developers: frames, hints, the error page, the terminal. Imported only if ``DEBUG`` is on."""
