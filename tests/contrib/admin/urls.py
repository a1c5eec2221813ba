from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.utils.html import format_html
from ninja.security import django_auth

from django_matt import MattAPI
from django_matt.sign_in import is_impersonated

api = MattAPI(title="Books")


@api.get("/me", auth=django_auth)
def me(request):
    return {"name": request.user.username, "acting": is_impersonated(request)}


def who(request):
    return HttpResponse(format_html("<body><p>{}</p></body>", request.user))


async def who_async(request):
    return HttpResponse(format_html("<body><p>{}</p></body>", await request.auser()))


urlpatterns = [
    path("", lambda request: HttpResponse("home")),
    # Browsers ask for it by themselves.
    path("favicon.ico", lambda request: HttpResponse(status=204)),
    path("who", who),
    path("who-async", who_async),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
