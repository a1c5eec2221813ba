"""Sign-in by e-mail: one mail has a link and a code, and each works once.

It needs no extra. Add ``"django_matt.contrib.magic_links"`` to ``INSTALLED_APPS`` for the routes, and include
``django_matt.contrib.magic_links.urls`` for the pages.
"""
