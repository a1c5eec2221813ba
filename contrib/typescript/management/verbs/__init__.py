"""What ``manage.py matt_types`` can do: one module for each verb, with ``HELP``, ``add_arguments`` and ``run``."""
