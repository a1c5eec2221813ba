"""``manage.py runserver`` of the app hot_reload, as real processes and in a real Chromium."""
