"""Its settings; its cookies have names of their own, because cookies do not know ports."""

import os

from tests.e2e.social.shared import *  # noqa: F403
from tests.e2e.social.shared import INSTALLED_APPS

ROOT_URLCONF = "tests.e2e.social.company.urls"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "company_session", "company_csrf"
INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account", "allauth.idp.oidc"]
ACCOUNT_EMAIL_VERIFICATION = "none"
IDP_OIDC_PRIVATE_KEY = os.environ.get("PRIVATE_KEY", "")
