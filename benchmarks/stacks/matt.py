"""MattAPI with functions."""

from benchmarks.stacks.ninja_functions import register
from django_matt import MattAPI

api = MattAPI(urls_namespace="matt")
register(api, planned=True)
urlpatterns = api.urls[0]
