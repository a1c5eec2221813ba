"""Ninja Extra with functions."""

from ninja_extra import NinjaExtraAPI

from benchmarks.stacks.ninja_functions import register

api = NinjaExtraAPI(urls_namespace="extra")
register(api, planned=False)
urlpatterns = api.urls[0]
