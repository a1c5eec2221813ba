"""The Django app."""

from django.apps import AppConfig


class {{ cookiecutter.app_name.replace('_', ' ').title().replace(' ', '') }}Config(AppConfig):
    """{{ 'Items, and what the API shows of them.' if cookiecutter.__example else 'Models, and what the API shows of them.' }}"""

    name = "{{ cookiecutter.app_name }}"
