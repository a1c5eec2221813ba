"""The contrib apps, one folder an app."""
