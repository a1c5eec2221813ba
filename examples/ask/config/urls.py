"""The page and the API. Anybody may ask: the documentation is public. Nobody may add sources over HTTP."""

from django.urls import path
from django.views.generic import TemplateView

from django_matt import MattAPI
from django_matt.contrib.rag.controllers import make_controller

api = MattAPI(title="Ask the documentation")
api.register_controllers(make_controller(auth=None))

urlpatterns = [
    path("", TemplateView.as_view(template_name="pages/ask.html")),
    path("api/", api.urls),
]
