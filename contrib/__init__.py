"""Opt-in apps of Django Matt, one folder a feature, imported as ``django_matt.contrib.<app>``."""

if __name__ != "django_matt.contrib":
    raise ImportError(
        f"Import this package as 'django_matt.contrib', not as {__name__!r}: under two names Django would load every app twice."
    )
