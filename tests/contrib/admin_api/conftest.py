"""Users of four kinds, the store's rows, and an API over an admin site."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

from tests.contrib.admin_api.tables import create_tables, install_store


@pytest.fixture
def store(db: None, settings: Any) -> Iterator[Any]:
    """Install the store; return its models and its admin's classes."""
    install_store(settings)
    create_tables()
    from tests.contrib.admin_api.store import models

    yield models
    clear_url_caches()


@pytest.fixture
def users(store: Any) -> SimpleNamespace:
    """A superuser, staff with all permissions of the store, staff that may only view, and somebody else."""
    made = SimpleNamespace(
        root=User.objects.create_superuser("root"),
        staff=User.objects.create_user("staff", is_staff=True),
        viewer=User.objects.create_user("viewer", is_staff=True),
        stranger=User.objects.create_user("stranger"),
    )
    rights = Permission.objects.filter(content_type__app_label="store")
    made.staff.user_permissions.set(rights)
    made.viewer.user_permissions.set(rights.filter(codename__startswith="view_"))
    return made


@pytest.fixture
def rows(store: Any) -> SimpleNamespace:
    """Two categories, two labels, three products, and two reviews of the first."""
    lamps = store.Category.objects.create(name="Lamps")
    chairs = store.Category.objects.create(name="Chairs")
    red = store.Label.objects.create(name="red")
    blue = store.Label.objects.create(name="blue")
    made = [
        store.Product.objects.create(name=name, price=price, category=category, kind=kind)
        for name, price, category, kind in (
            ("Arc", "10.50", lamps, "lamp"),
            ("Bow", "20.00", lamps, "lamp"),
            ("Cap", "5.25", chairs, "chair"),
        )
    ]
    made[0].labels.set([red])
    reviews = [store.Review.objects.create(product=made[0], stars=n, text="t") for n in (1, 5)]
    return SimpleNamespace(
        lamps=lamps, chairs=chairs, red=red, blue=blue, products=made, reviews=reviews
    )


class Caller:
    """A user's client of the API and of the HTML admin."""

    def __init__(
        self, user: Any = None, base: str = "/api/admin-api", *, asynchronous: bool = False
    ) -> None:
        kind: Any = AsyncClient if asynchronous else Client
        self.client = kind(raise_request_exception=False)
        self.base, self.asynchronous = base, asynchronous
        if user is not None:
            self.client.force_login(user)

    def __call__(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        options: dict[str, Any] = {"headers": {"Accept": "application/json", **headers}}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        send: Any = getattr(self.client, method.lower())
        if self.asynchronous:
            send = async_to_sync(send)
        return send(f"{self.base}{path}", **options)


@pytest.fixture
def mount(serve: Callable[..., Any], settings: Any) -> Callable[..., Any]:
    """Return ``mount(site, **options)``: an API with the site's operations, beside the site itself."""
    from django_matt import MattAPI

    def mounted(site: Any, api: Any = None, **options: Any) -> Any:
        from django_matt.contrib.admin_api.controllers import add_admin

        api = api or MattAPI()
        add_admin(api, site, **options)
        serve(api)
        settings.ROOT_URLCONF.urlpatterns.append(path(f"{site.name}/", site.urls))
        clear_url_caches()
        return api

    return mounted
