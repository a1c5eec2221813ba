"""``manage.py matt_types``."""
