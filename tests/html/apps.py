"""The app's configuration."""

from django.apps import AppConfig

from django_matt.formats import register_format


class HTMLConfig(AppConfig):
    """Registers the format; routes and APIs name it."""

    name = "tests.html"
    label = "matt_html"

    def ready(self) -> None:
        register_format("html", "tests.html.formats.HTML")
