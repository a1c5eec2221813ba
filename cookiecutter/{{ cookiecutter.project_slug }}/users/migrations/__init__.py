"""The tables' history: commit what `manage.py makemigrations` writes."""
