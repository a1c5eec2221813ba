"""TypeScript → Python: what ``manage.py matt_types pull`` reads, resolves and writes."""
