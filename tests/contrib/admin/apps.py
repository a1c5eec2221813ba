from django.apps import AppConfig


class AdminTestsConfig(AppConfig):
    name = "tests.contrib.admin"
    label = "admin_tests"
