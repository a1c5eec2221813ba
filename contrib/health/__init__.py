"""The routes ``/health/live`` and ``/health/ready``, for container platforms, load balancers and monitors.

It needs no extra. Add ``"django_matt.contrib.health"`` to ``INSTALLED_APPS``; every ``MattAPI`` then has both routes.
"""
