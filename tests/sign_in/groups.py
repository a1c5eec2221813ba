"""Which apps are installed for the tests of a folder."""

from pathlib import Path

__all__ = ["APPS", "HERE", "WITH_OTHERS", "apps_of"]

HERE = Path(__file__).parent
_CONTRIB = HERE.parent.parent / "contrib"
APPS = [
    app
    for app in (
        "audit",
        "rate_limits",
        "idempotency",
        "accounts",
        "passkeys",
        "magic_links",
        "social",
        "tokens",
        "tenants",
        "api_keys",
        "password_managers",
    )
    if (_CONTRIB / app / "apps.py").exists()
]
_OTHERS = {"account_pages": ["accounts"]}
"""Folders that are named after something else than their app."""
WITH_OTHERS = [
    HERE / "api_keys" / "test_admin.py",
    HERE / "api_keys" / "test_isolation.py",
    HERE / "api_keys" / "test_limits.py",
    HERE / "api_keys" / "test_tenants.py",
    HERE / "magic_links" / "test_accounts.py",
    HERE / "magic_links" / "test_apps.py",
    HERE / "social" / "test_sign_in.py",
    HERE / "social" / "test_takeovers.py",
    HERE / "tenants" / "test_credentials.py",
    HERE / "tenants" / "test_single_sign_on.py",
    HERE / "tokens" / "test_document.py",
]
"""Tests of one app with others: they run with all apps."""


def apps_of(folder: str) -> list[str]:
    """Return the apps of a folder: the one with its name alone, or all of them."""
    return [folder] if folder in APPS else _OTHERS.get(folder, APPS)
