"""Passkeys that are bound to your own origins: sign-up, sign-in, autofill, renaming and deleting, over allauth's WebAuthn.

It needs the extra ``accounts``. Add ``"django_matt.contrib.passkeys"`` to ``INSTALLED_APPS``, next to allauth's apps, and set
``MFA_ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"``.
"""
