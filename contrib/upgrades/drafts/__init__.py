"""Drafts of schemas and controllers from the code of Django REST framework. They are written beside it, never over it."""
