"""How many requests a second the operations of a project answer: what ``manage.py matt_bench`` does."""
