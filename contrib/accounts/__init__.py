"""Accounts by django-allauth: its API, in your API's errors and document, and HTML pages for sign-in and the account.

It needs the extra ``accounts``. Add ``"django_matt.contrib.accounts"`` to ``INSTALLED_APPS``, before allauth's apps, and
``path("", include("django_matt.contrib.accounts.urls"))`` to the URLs of the project.
"""
