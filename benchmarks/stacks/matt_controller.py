"""MattAPI with a controller."""

from benchmarks.stacks.ninja_controllers import register
from django_matt import MattAPI

api = MattAPI(urls_namespace="matt_controller")
register(api, planned=True)
urlpatterns = api.urls[0]
