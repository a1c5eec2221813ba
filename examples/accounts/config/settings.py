"""Settings of the example: every way to sign in, on one site. ``DATABASE_URL`` chooses PostgreSQL."""

import os
from pathlib import Path

import django

from django_matt.contrib.accounts.defaults import *  # noqa: F403
from django_matt.contrib.environments import database
from django_matt.contrib.request_logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ACCOUNTS_DATA", BASE_DIR))
PORT = os.environ.get("PORT", "8000")

DEBUG = True
SECRET_KEY = "only-for-the-example-on-your-own-machine-0123456789"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.request_logs",
    # What protects every API that has users. The log comes first, so that it has the events of all others.
    "django_matt.contrib.audit",
    "django_matt.contrib.rate_limits",
    "django_matt.contrib.idempotency",
    # Ways to sign in. `accounts` comes before allauth, whose pages it restyles.
    "django_matt.contrib.accounts",
    "django_matt.contrib.passkeys",
    "django_matt.contrib.magic_links",
    "django_matt.contrib.social",
    "django_matt.contrib.password_managers",
    # For programs and separate front ends.
    "django_matt.contrib.tokens",
    "django_matt.contrib.api_keys",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "people",
    "notes",
]
MIDDLEWARE = [
    "django_matt.contrib.request_logs.middleware.RequestLogMiddleware",
    "django_matt.contrib.rate_limits.middleware.SignInLimits",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_matt.contrib.accounts.middleware.UserSessionsMiddleware",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'accounts.sqlite3'}"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "people.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
USERSESSIONS_TRACK_ACTIVITY = True

# Passkeys. A browser accepts them on localhost without TLS, and not on 127.0.0.1.
MFA_ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
MATT_PASSKEYS = {"RP_NAME": "Notes", "ORIGINS": [f"http://localhost:{PORT}"]}

# Whose address has no account gets a mail that says it.
MATT_MAGIC_LINKS = {"SIGN_UP_URL": f"http://localhost:{PORT}/accounts/signup/"}

# Tokens for apps: every sign-in of allauth's app client returns them.
HEADLESS_TOKEN_STRATEGY = "django_matt.contrib.tokens.strategies.TokenStrategy"

MATT_API_KEYS = {"PREFIX": "notes"}

# Accounts of a provider are linked by rules with which nobody can take over an account.
SOCIALACCOUNT_ADAPTER = "django_matt.contrib.social.adapter.SocialAdapter"

# A provider of OpenID Connect, such as your company's: name it in the environment.
if issuer := os.environ.get("OIDC_ISSUER"):
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "company",
                    "name": os.environ.get("OIDC_NAME", "your company"),
                    "client_id": os.environ["OIDC_CLIENT_ID"],
                    "secret": os.environ["OIDC_SECRET"],
                    "settings": {"server_url": issuer},
                }
            ]
        }
    }

MAIL_FOLDER = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = "Notes <notes@example.com>"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "config.mail.PrintAndKeep"}}
else:
    EMAIL_BACKEND = "config.mail.PrintAndKeep"

LOGGING = logging_config(debug=DEBUG)
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
