"""The API: its title, who may write, and its controllers."""

from django.conf import settings
{%- if cookiecutter.__async %}
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
{%- endif %}
from django_matt import MattAPI
from ninja.security import {{ 'APIKeyCookie' if cookiecutter.__async else 'django_auth_is_staff' }}

from {{ cookiecutter.app_name }}.controllers import CONTROLLERS
{% if cookiecutter.__async %}

class StaffSession(APIKeyCookie):
    """Staff who signed in through the admin."""

    param_name = settings.SESSION_COOKIE_NAME

    async def authenticate(self, request: HttpRequest, key: str | None) -> AbstractBaseUser | None:
        """Return the signed-in member of the staff, or nothing."""
        user = await request.auser()
        return user if user.is_active and getattr(user, "is_staff", False) else None

{% endif %}
api = MattAPI(
    title="{{ cookiecutter.project_name }}",
    # While you develop, everybody may write. Elsewhere staff who signed in through the admin may, and routes with
    # `auth=None` are for all: put your own sign-in here.
    auth=None if settings.DEBUG else {{ 'StaffSession()' if cookiecutter.__async else 'django_auth_is_staff' }},
)
api.register_controllers(*CONTROLLERS)
