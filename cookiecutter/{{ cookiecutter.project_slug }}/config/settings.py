"""Django's settings: what differs between machines comes from config/environment.py."""

import django
from django_matt.contrib.environments import cache, database, email

from config import logs
from config.environment import BASE_DIR, env

DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in env.SECRET_KEY_FALLBACKS]
# The container asks its own health by the address. Without a name of yours Django's rule stays: DEBUG answers localhost,
# and `check --deploy` asks for names.
ALLOWED_HOSTS = [*env.ALLOWED_HOSTS, "127.0.0.1"] if env.ALLOWED_HOSTS else []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.environments",
    "django_matt.contrib.health",
    "{{ cookiecutter.app_name }}",
]
# Content-Security-Policy is Django's own from 6.0 on; django-csp brings it to 5.2.
CSP_MIDDLEWARE = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "csp.middleware.CSPMiddleware"
)
MIDDLEWARE = [
    "config.requests.request_id_middleware",
    "django.middleware.security.SecurityMiddleware",
    CSP_MIDDLEWARE,
    "django_matt.policies.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if DEBUG:
    # `runserver` and the open pages follow every edit.
    INSTALLED_APPS.insert(0, "django_matt.contrib.hot_reload")
    MIDDLEWARE.insert(0, "django_matt.contrib.hot_reload.middleware.HotReloadMiddleware")
ROOT_URLCONF = "config.urls"
{{ 'ASGI' if cookiecutter.__async else 'WSGI' }}_APPLICATION = "config.{{ cookiecutter.__gateway }}.application"
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

# Every error of the API is a problem document (RFC 9457).
MATT = {"PROBLEM_DETAILS": True, "STRICT_OPENAPI": True}

{% if cookiecutter.__postgresql -%}
DATABASES = {
    "default": {
        "OPTIONS": {"connect_timeout": 5},
{%- if cookiecutter.__async %}
        # Under ASGI a kept connection would belong to a thread that no later request has.
        "CONN_MAX_AGE": 0,
{%- else %}
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
{%- endif %}
        **database(env.DATABASE_URL),
    }
}
{%- else -%}
DATABASES = {
    "default": {
        # Readers do not wait for a writer, and a writer waits for another instead of failing.
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
        **database(env.DATABASE_URL),
    }
}
{%- endif %}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache(env.CACHE_URL)}
globals().update(email(env.EMAIL_URL))
LOGGING = logs.configure(env.LOG_LEVEL, as_json=not DEBUG)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
if not DEBUG:
    # Names contain a hash of the content, so browsers may cache the files for ever.
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}  # django-csp's name for it
if not DEBUG and env.HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^api/health/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
if env.BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
