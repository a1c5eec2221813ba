"""The API, and the URLs of allauth."""

from django.urls import include, path

from django_matt import MattAPI

api = MattAPI()


@api.get("/me")
def me(request):
    return {"email": getattr(request.user, "email", None)}


urlpatterns = [path("api/", api.urls), path("accounts/", include("allauth.urls"))]
