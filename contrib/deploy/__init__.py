"""Deployment: ``manage.py matt_deploy`` writes the files of a platform, proves them, and runs its own tool.

Its extra is ``deploy``. Add ``"django_matt.contrib.deploy"`` to ``INSTALLED_APPS``.
"""
