"""Routes: {{ 'parse, call one service, return a schema' if cookiecutter.__layered else 'parse, ask the models, return a schema' }}."""

from django_matt import ControllerBase

CONTROLLERS: tuple[type[ControllerBase], ...] = ()
"""Every class that `@api_controller` decorates; config/api.py registers them."""
