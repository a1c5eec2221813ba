"""Refuse a name that no project or app can have, and options that do not fit, before anything is written.

Run by cookiecutter with the answers in it; `matt new` reads `objection` and `conflict` from it, to say the same while it
asks.
"""

import importlib.util
import keyword
import os
import re
import sys

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MODULE = re.compile(r"[a-z][a-z0-9_]*")
TITLE = re.compile(r"[^\x00-\x1f\x7f\"\\/{}<>]{1,80}")
TAKEN = {
    "config": "the project's own package",
    "tests": "the project's own tests",
    "requirements": "the project's own folder",
    "manage": "the project's manage.py",
    "users": "the project's own app",
    "locale": "the project's own folder",
    "media": "the folder of uploaded files",
    "front": "the project's own folder",
    "fronts": "a folder of the project's template",
    "static": "the project's own folder",
    "templates": "the project's own folder",
    "account": "an app of django-allauth",
    "headless": "an app of django-allauth",
    "mfa": "an app of django-allauth",
    "usersessions": "an app of django-allauth",
    "admin": "an app of Django",
    "auth": "an app of Django",
    "contenttypes": "an app of Django",
    "messages": "an app of Django",
    "sessions": "an app of Django",
    "staticfiles": "an app of Django",
}
# What requirements/ brings: the Python that asks need not have it.
INSTALLED = {
    "allauth", "cffi", "charset_normalizer", "cryptography", "fido2", "jwt", "oauthlib", "pycparser", "qrcode", "requests",
    "annotated_types", "anyio", "asgiref", "ast_serialize", "async_timeout", "boto3", "botocore", "certifi", "cfgv",
    "click", "colorama", "contextlib2", "corsheaders", "coverage", "csp", "dateutil", "debug_toolbar", "defusedxml",
    "distlib", "django", "django_matt", "django_cotton", "django_htmx", "django_stubs_ext", "django_vite", "template_partials", "dotenv", "environ", "filelock", "granian", "grimp", "h11", "identify", "idna", "importlinter", "iniconfig", "injector", "jmespath",
    "jurigged", "librt", "markdown_it", "mdurl", "msgspec", "mypy", "mypy_django_plugin", "mypy_extensions",
    "mypyc", "ninja", "ninja_extra", "nodeenv", "orjson", "packaging", "pathspec", "platformdirs", "pluggy",
    "pre_commit", "psycopg", "psycopg_binary", "py", "pydantic", "pydantic_core", "pydantic_settings", "pygments",
    "pytest", "pytest_django", "python_discovery", "redis", "rich", "ruff", "s3transfer", "sentry_sdk", "six", "sqlparse", "storages",
    "typing_extensions",    "typing_inspection", "tzdata", "urllib3", "uvicorn", "virtualenv", "watchfiles", "websockets", "yaml",
}  # fmt: skip


def objection(kind: str, name: str) -> str:
    """Return why `name` cannot be the project's `title` or `slug` or an `app`'s, or nothing."""
    if kind == "title":
        if not name.strip():
            return "A project needs a name."
        if TITLE.fullmatch(name):
            return ""
        return f"{name!r} cannot be the project's name: take at most 80 characters, no quotes, slashes or brackets."
    what, pattern, rule = {
        "slug": ("folder", SLUG, "lower-case letters, digits and single hyphens, a letter first: lamp-shop"),
        "app": ("app", MODULE, "lower-case letters, digits and underscores, a letter first: catalog"),
    }[kind]
    if not pattern.fullmatch(name) or len(name) > 50:
        return f"{name!r} cannot name the {what}: take {rule}, at most 50 of them."
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        return f"{name!r} cannot name the {what}: it is a keyword of Python. Take another name."
    if module in sys.stdlib_module_names or module in INSTALLED or is_installed(module):
        return f"{name!r} cannot name the {what}: it would shadow the Python module {module}. Take another name."
    if kind == "app" and module.startswith("matt_"):
        return f"{name!r} cannot name the app: Django Matt's own apps begin so. Take another name."
    if kind == "app" and module in TAKEN:
        return f"{name!r} cannot name the app: that is {TAKEN[module]}. Take another name."
    return ""


def conflict(answers: "dict[str, str]") -> str:
    """Return why these options do not fit together, or nothing. An option that has no answer yet fits."""
    if answers.get("front", "none") != "none":
        # The starter is written for these alone.
        if answers.get("first_app") == "empty":
            return "The front end shows the items of the example. Choose first_app: example."
        if answers.get("audience") == "b2b":
            return "The front end names no organization in its requests. Choose audience: b2c."
    if answers.get("sign_in") != "none":
        return ""
    need = {
        "audience": "With b2b, companies have members who sign in",
        "tokens": "Tokens are for people who have signed in",
        "front": "The front end shows who has signed in",
    }
    usual = {"audience": "b2c", "tokens": "no", "front": "none"}
    for name, reason in need.items():
        if answers.get(name, usual[name]) != usual[name]:
            return f"{reason}. Choose a sign-in: password, magic-link, passkey or all."
    return ""


def is_installed(module: str) -> bool:
    """Tell whether this Python imports something else by that name; a mere folder does not count."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None


if __name__ == "__main__":
    # cookiecutter runs this from the folder of temporary files, where anything may lie.
    sys.path = [path for path in sys.path if path not in {"", os.path.dirname(os.path.abspath(__file__))}]
    # Until cookiecutter has put the answers in, these are sets of names: still Python.
    answers = {
        "title": {{ cookiecutter.project_name | tojson }},
        "slug": {{ cookiecutter.project_slug | tojson }},
        "app": {{ cookiecutter.app_name | tojson }},
    }
    options = {
        "sign_in": {{ cookiecutter.sign_in | tojson }},
        "audience": {{ cookiecutter.audience | tojson }},
        "tokens": {{ cookiecutter.tokens | tojson }},
        "first_app": {{ cookiecutter.first_app | tojson }},
        "front": {{ cookiecutter.front | tojson }},
    }
    objections = [said for kind, name in answers.items() if (said := objection(kind, name))]
    objections += [said] if (said := conflict(options)) else []
    if objections:
        sys.exit("\n".join(objections))
