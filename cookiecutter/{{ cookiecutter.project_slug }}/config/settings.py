"""Django's settings: what differs between machines comes from config/environment.py."""
{% if cookiecutter.__passkey %}
from urllib.parse import urlsplit
{% endif %}
import django
{% if cookiecutter.__tokens -%}
from corsheaders.defaults import default_headers
{% endif -%}
from django.utils.translation import gettext_lazy as _
{% if cookiecutter.__sign_in -%}
from django_matt.contrib.accounts.defaults import *  # noqa: F403 - settings of allauth, which are safe
{% endif -%}
from django_matt.contrib.environments import cache, database, mailer, storage
{%- if cookiecutter.__htmx %}
from django_matt.contrib.htmx import defaults as htmx
{%- endif %}
from django_matt.contrib.request_logs import logging_config

from config.environment import BASE_DIR, env

DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in env.SECRET_KEY_FALLBACKS]
# The container asks its own health by the address. Without your own names, Django's rule applies: DEBUG answers localhost,
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
    "django_matt.contrib.request_logs",
{%- if cookiecutter.__front %}
    # What happens to items is written down, and open pages are told.
    "django_matt.contrib.events",
    "django_matt.contrib.realtime",
{%- endif %}
{%- if cookiecutter.__htmx %}
    # The pages of items, which the browser asks for in parts.
    "django_matt.contrib.htmx",
    *htmx.APPS,
{%- elif cookiecutter.__node %}
    # The front end{{ ': its page' if cookiecutter.__spa else '' }}, and the types of the API that it is written with.
    "django_matt.contrib.spa",
    "django_matt.contrib.typescript",
{%- endif %}
{%- if cookiecutter.__sign_in %}
    # Who may sign in, and how. `accounts` comes before allauth, whose pages it restyles.
    "django_matt.contrib.rate_limits",
    "django_matt.contrib.accounts",
{%- if cookiecutter.__passkey %}
    "django_matt.contrib.passkeys",
{%- endif %}
{%- if cookiecutter.__magic_link %}
    "django_matt.contrib.magic_links",
{%- endif %}
{%- if cookiecutter.__tokens %}
    "django_matt.contrib.tokens",
{%- endif %}
{%- if cookiecutter.__b2b %}
    "django_matt.contrib.tenants",
{%- endif %}
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
{%- endif %}
    "users",
    "{{ cookiecutter.app_name }}",
]
AUTH_USER_MODEL = "users.User"
{% if cookiecutter.__sign_in -%}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = {{ '"/"' if cookiecutter.__front else '"account_home"' }}
{%- else -%}
LOGIN_URL = "admin:login"
{%- endif %}
# Content-Security-Policy is Django's own from 6.0 on; django-csp brings it to 5.2.
CSP_MIDDLEWARE = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "csp.middleware.CSPMiddleware"
)
MIDDLEWARE = [
    "django_matt.contrib.request_logs.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    CSP_MIDDLEWARE,
    "django_matt.policies.PolicyMiddleware",
{%- if cookiecutter.__sign_in %}
    "django_matt.contrib.rate_limits.middleware.SignInLimits",
{%- endif %}
    "django.contrib.sessions.middleware.SessionMiddleware",
{%- if cookiecutter.__htmx %}
    "django_matt.contrib.htmx.middleware.HtmxMiddleware",
{%- endif %}
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
{%- if cookiecutter.__sign_in %}
    "allauth.account.middleware.AccountMiddleware",
    "django_matt.contrib.accounts.middleware.UserSessionsMiddleware",
{%- endif %}
]
if env.CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(1, "corsheaders.middleware.CorsMiddleware")
    CORS_ALLOWED_ORIGINS = env.CORS_ALLOWED_ORIGINS
{%- if cookiecutter.__tokens %}
    CORS_URLS_REGEX = "^/(api|_allauth/app)/"
    CORS_ALLOW_HEADERS = [*default_headers, "x-session-token"{{ ', "x-tenant"' if cookiecutter.__b2b else '' }}]
{%- else %}
    CORS_URLS_REGEX = "^/api/"
{%- endif %}
if DEBUG:
{%- if cookiecutter.__debug_toolbar %}
    INSTALLED_APPS.append("debug_toolbar")
    MIDDLEWARE.insert(1, "debug_toolbar.middleware.DebugToolbarMiddleware")
    INTERNAL_IPS = ["127.0.0.1"]
{%- endif %}
    # `make seed` fills the tables; matt_inspect, matt_migrations and /inspect/ look at them.
    INSTALLED_APPS += ["django_matt.contrib.seeding", "django_matt.contrib.inspection"]
    # `runserver` and the open pages follow every edit.
    INSTALLED_APPS.insert(0, "django_matt.contrib.hot_reload")
    MIDDLEWARE.insert(0, "django_matt.contrib.hot_reload.middleware.HotReloadMiddleware")
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
{%- if not cookiecutter.__htmx %}
        "APP_DIRS": True,
{%- endif %}
        "OPTIONS": {
{%- if cookiecutter.__htmx %}
            # Instead of APP_DIRS: they find components and parts of templates too.
            "loaders": htmx.LOADERS,
            "builtins": htmx.BUILTINS,
{%- endif %}
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]{{ ',' if cookiecutter.__htmx else '' }}
        },
    }
]

# Every error of the API is a problem document (RFC 9457).
MATT = {
    "PROBLEM_DETAILS": True,
    "STRICT_OPENAPI": True,
    "TRUSTED_PROXIES": 1 if env.BEHIND_PROXY else 0,
}
{% if cookiecutter.__front -%}
# Triggers of the database write down each change of an item, also that of a command or of SQL; `migrate` makes them.
MATT_EVENTS = {"TRIGGERS": ["{{ cookiecutter.app_name }}.Item"]}
{%- if cookiecutter.__htmx %}
MATT_HTMX = {"EXTENSIONS": ["sse"]}
{%- endif %}
{% endif %}
{% if cookiecutter.__postgresql -%}
DATABASES = {
    "default": {
        "OPTIONS": {"connect_timeout": 5},
        # Each thread of the server keeps its connection.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
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
MAILERS = {"default": mailer(env.EMAIL_URL)}
if django.VERSION < (6, 1):  # which has no MAILERS
    EMAIL_BACKEND = "django_matt.contrib.environments.mail_backends.connect"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.DEFAULT_FROM_EMAIL
LOGGING = logging_config(debug=DEBUG, level=env.LOG_LEVEL)
MATT_REQUEST_LOGS = {"TRUST_REQUEST_ID": env.BEHIND_PROXY}

LANGUAGE_CODE = "en-us"
# LocaleMiddleware takes the one that the visitor's browser asks for. locale/README.md says how to translate.
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"

{% if cookiecutter.__spa -%}
# `make dev` writes the types of the API here after each edit. The front end is built into static/front/.
MATT_TYPESCRIPT = {"OUTPUT": BASE_DIR / "front/src/api", "REACT": True}

{% elif cookiecutter.__ssr -%}
{%- from "fronts.jinja" import FRONTS -%}
# `make dev` writes the types of the API here after each edit.
MATT_TYPESCRIPT = {"OUTPUT": BASE_DIR / "front/src/api"}
# A server of Node renders the pages: the file that a build writes, and the server of development.
MATT_SPA = {
    "SERVER": "{{ FRONTS[cookiecutter.front].server }}",
    "DEV": [{% for word in FRONTS[cookiecutter.front].dev %}"{{ word }}"{{ ', ' if not loop.last else '' }}{% endfor %}],
}

{% endif -%}
# `static/` has your files; `manage.py collectstatic` copies them and those of the apps to `staticfiles/`.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = "/media/"
STORAGES = {
    "default": storage(env.STORAGE_URL),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = STORAGES["default"]["OPTIONS"].get("location", "")
if not DEBUG:
    # Names contain a hash of the content, so browsers may cache the files forever.
    STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    )

{% if cookiecutter.__sign_in -%}
# How people sign up and in. `accounts.defaults`, imported above, sets more: a new address is confirmed by a code, and
# people get a mail when their password, their address or a second factor changes.
{%- if cookiecutter.__email_user %}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
{%- else %}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
{%- endif %}
ACCOUNT_SIGNUP_FIELDS = [{{ '' if cookiecutter.__email_user else '"username*", ' }}"email*"{{ ', "password1*"' if cookiecutter.__password else '' }}]
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ALLAUTH_TRUSTED_PROXY_COUNT = MATT["TRUSTED_PROXIES"]
# Attempts to sign in are counted in the database, for all processes together. W006 is about allauth's own limits, which
# each process counts alone if CACHE_URL names no server: they are in addition.
MATT_RATE_LIMITS = {"STORE": "database"}
SILENCED_SYSTEM_CHECKS = ["matt_accounts.W006"]
{%- if cookiecutter.__passkey %}
# Passkeys belong to the domain of SITE_URL: with another one, all of them are lost.
MATT_PASSKEYS = {
    "RP_ID": urlsplit(env.SITE_URL).hostname,
    "RP_NAME": "{{ cookiecutter.project_name }}",
    "ORIGINS": [env.SITE_URL],
}
MFA_ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = MFA_PASSKEY_SIGNUP_ENABLED = True
{%- if not cookiecutter.__magic_link %}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True  # by e-mail, for people who have lost their device
{%- endif %}
{%- endif %}
{%- if cookiecutter.__magic_link %}
MATT_MAGIC_LINKS = {"SIGN_UP_URL": f"{env.SITE_URL}/accounts/signup/"}
{%- endif %}
{%- if cookiecutter.__tokens %}
MATT_TOKENS = {"ISSUER": env.SITE_URL, "AUDIENCE": env.SITE_URL}
# Each sign-in of an app, at /_allauth/app/, returns tokens.
HEADLESS_TOKEN_STRATEGY = "django_matt.contrib.tokens.strategies.TokenStrategy"  # noqa: S105 - a class
{%- endif %}

{% endif -%}
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
{%- if cookiecutter.__ssr %}
    # Node asks for what a page shows by another name of this server: the host is the one that the visitor opened.
    USE_X_FORWARDED_HOST = True
{%- endif %}
{%- if cookiecutter.front == "next" %}
if DEBUG:
    # Next's development server passes requests on with another Host. `ALLOWED_HOSTS` still decides which ones are answered.
    USE_X_FORWARDED_HOST = True
{%- endif %}

if dsn := env.SENTRY_DSN.get_secret_value():
    # Imported here, because it takes time and memory.
    import sentry_sdk

    sentry_sdk.init(dsn, traces_sample_rate=env.SENTRY_TRACES)
