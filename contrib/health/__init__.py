"""``/health/live`` and ``/health/ready`` for whatever runs the process: a container platform, a load balancer, a monitor.

It needs no extra. Add ``"django_matt.contrib.health"`` to ``INSTALLED_APPS``; every ``MattAPI`` then has both routes.
"""
