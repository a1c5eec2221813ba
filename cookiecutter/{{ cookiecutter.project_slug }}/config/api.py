"""The API: its title, who may write, and its controllers."""
{% if not cookiecutter.__b2b %}
from typing import Any

from django.http import HttpRequest
{%- endif %}
from django_matt import MattAPI
{%- if not cookiecutter.__b2b %}
from django_matt.authentication import Credentials, SessionAuthenticator
{%- endif %}
{% if cookiecutter.__sign_in and cookiecutter.app_name > 'users' -%}
{% if cookiecutter.__b2b %}
from users.authentication import SIGNED_IN
{%- endif %}
from users.controllers import MeController
{%- endif %}
from {{ cookiecutter.app_name }}.controllers import CONTROLLERS
{%- if cookiecutter.__front %}
from {{ cookiecutter.app_name }}.streams import router
{%- endif %}
{%- if cookiecutter.__sign_in and cookiecutter.app_name < 'users' -%}
{% if cookiecutter.__b2b %}
from users.authentication import SIGNED_IN
{%- endif %}
from users.controllers import MeController
{%- endif %}
{%- if cookiecutter.__b2b %}

api = MattAPI(
    title="{{ cookiecutter.project_name }}",
    # Members read and write the rows of their organization, which the header X-Tenant names.
    auth=SIGNED_IN,
)
{%- else %}


class StaffSession(SessionAuthenticator):
    """Staff who have signed in, such as at /admin/."""

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the signed-in user if it is one of the staff."""
        user = super().authenticate(request, credentials)
        return user if user and user.is_staff else None


api = MattAPI(
    title="{{ cookiecutter.project_name }}",
{%- if cookiecutter.__sign_in %}
    # Routes with `auth=None` are for all, and those with `auth=SIGNED_IN` (users/authentication.py)
    # for all who have signed in.
{%- else %}
    # Routes with `auth=None` are for all. Put your own sign-in here.
{%- endif %}
    auth=StaffSession(),
)
{%- endif %}
api.register_controllers(*CONTROLLERS{{ ', MeController' if cookiecutter.__sign_in else '' }})
{%- if cookiecutter.__front %}
api.add_router("", router)
{%- endif %}
