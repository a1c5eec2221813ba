"""The filled shops of the end-to-end tests serve here too."""

from tests.e2e.conftest import postgres_host, shop_server

__all__ = ["postgres_host", "shop_server"]
