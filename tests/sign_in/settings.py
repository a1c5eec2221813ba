"""The settings of the tests in this folder; ``MATT_TEST_APPS`` names the apps that are installed, all by default.

The tests of an app run with that app alone (``python -m tests.sign_in``). What several apps do together is tested with
all of them, and each API of such a test names those that extend it: ``MattAPI(extensions=["matt_tokens"])``.
"""

import os
from pathlib import Path

from tests.project.settings import *  # noqa: F403
from tests.project.settings import INSTALLED_APPS, MIDDLEWARE, TEMPLATES
from tests.sign_in.groups import APPS

INSTALLED = os.environ.get("MATT_TEST_APPS", " ".join(APPS)).split()

ROOT_URLCONF = "tests.sign_in.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.messages",
    # Before allauth, whose templates theirs replace.
    *(f"django_matt.contrib.{app}" for app in INSTALLED),
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "tests.sign_in",
    # With tables of their own, that refer to those of the apps.
    *(
        f"tests.sign_in.{app}"
        for app in INSTALLED
        if (Path(__file__).parent / app / "models.py").exists()
    ),
]
MIDDLEWARE = [
    *MIDDLEWARE,
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        **TEMPLATES[0],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_FROM_EMAIL = "sign-in@example.com"

# Passkeys. allauth reads some of these when its forms and URLs are imported, so tests cannot change them.
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
HEADLESS_ONLY = True
if "passkeys" in INSTALLED:
    MFA_ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"

if "social" in INSTALLED:
    SOCIALACCOUNT_ADAPTER = "django_matt.contrib.social.adapter.SocialAdapter"
