"""``GET /forms/{operation_id}``: what a person fills in for a route, as JSON Schema with hints for the user interface.

It needs no extra. Add ``"django_matt.contrib.forms"`` to ``INSTALLED_APPS``. Forms in Django templates are
``django_matt.forms.html.SchemaForm`` and need no app.
"""
