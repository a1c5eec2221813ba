"""The kinds ``crud`` and ``controller`` of ``manage.py matt_generate``."""
