"""Its settings, as docs/sign-in/social.md has them."""

import os

from tests.e2e.social.shared import *  # noqa: F403
from tests.e2e.social.shared import INSTALLED_APPS

ROOT_URLCONF = "tests.e2e.social.shop.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.social",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
]
SOCIALACCOUNT_ADAPTER = "django_matt.contrib.social.adapter.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "company",
                "name": "The company",
                "client_id": "shop",
                "secret": "of the shop",
                "settings": {"server_url": os.environ.get("COMPANY_URL", "")},
            }
        ]
    }
}
MATT_SOCIAL = {"TRUSTED_EMAIL": {"company": ["company.example"]}}
LOGIN_REDIRECT_URL = "/api/me"
