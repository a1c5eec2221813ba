"""Django Ninja."""

from ninja import NinjaAPI

from benchmarks.stacks.ninja_functions import register

api = NinjaAPI(urls_namespace="ninja")
register(api, planned=False)
urlpatterns = api.urls[0]
