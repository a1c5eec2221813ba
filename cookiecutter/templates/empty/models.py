"""The tables. After a change: `manage.py makemigrations`, `manage.py migrate`."""
