"""Writes source that people own and edit: rendered from templates, merged with what they changed, shown before it is written.

``manage.py matt_generate`` of the app ``generators`` runs it. An app adds kinds of source by the Protocol
``django_matt.extensions.Generates``. Nothing here is imported while requests are served.
"""
