"""The optional apps of Django Matt, one folder per feature. Import them as ``django_matt.contrib.<app>``."""

if __name__ != "django_matt.contrib":
    raise ImportError(
        f"Import this package as 'django_matt.contrib', not as {__name__!r}: Django would load every app twice."
    )
