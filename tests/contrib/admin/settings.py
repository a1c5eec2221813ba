"""The settings of the tests in this folder: an admin with the policy of the project template."""

import django

from tests.project.settings import *  # noqa: F403
from tests.project.settings import INSTALLED_APPS, MIDDLEWARE, TEMPLATES

ROOT_URLCONF = "tests.contrib.admin.urls"
INSTALLED_APPS = [
    "django_matt.contrib.admin",
    "unfold",
    "django.contrib.admin",
    "django.contrib.messages",
    *INSTALLED_APPS,
    "django_matt.contrib.tokens",
    "tests.contrib.admin",
]
MIDDLEWARE = [
    MIDDLEWARE[0],
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "csp.middleware.CSPMiddleware",
    "django_matt.policies.PolicyMiddleware",
    *MIDDLEWARE[1:],
    "django_matt.contrib.admin.middleware.SignInAsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
# The policy of a project of `matt new`.
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MATT_ADMIN = {
    "TITLE": "Books & more",
    "ICON": "menu_book",
    "ENVIRONMENT": "Staging",
    "LINKS": {"Status <page>": "/status/"},
    "DASHBOARD": "tests.contrib.admin.panels.PANELS",
}
