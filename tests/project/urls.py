"""No routes of its own: each test module builds its API and serves it with ``serve`` of conftest."""

urlpatterns: list = []
