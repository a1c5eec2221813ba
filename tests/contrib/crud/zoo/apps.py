"""The app of the models."""

from django.apps import AppConfig


class ZooConfig(AppConfig):
    name = "tests.contrib.crud.zoo"
    label = "zoo"
