"""Ninja Extra with the very functions of MattAPI's stack: one name changed."""

from ninja_extra import NinjaExtraAPI

from benchmarks.stacks.ninja_functions import register

api = NinjaExtraAPI(urls_namespace="extra_plain")
register(api, planned=True)
urlpatterns = api.urls[0]
