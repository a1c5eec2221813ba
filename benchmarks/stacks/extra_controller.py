"""Ninja Extra with a controller."""

from ninja_extra import NinjaExtraAPI

from benchmarks.stacks.ninja_controllers import register

api = NinjaExtraAPI(urls_namespace="extra_controller")
register(api, planned=False)
urlpatterns = api.urls[0]
