"""The AsyncAPI document is beside the OpenAPI document, and open to the same readers."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from ninja import Schema

from django_matt import MattAPI
from django_matt.contrib.events.schemas import EventSchema
from django_matt.event_log import Channel


def test_the_document_has_the_events_of_the_project(serve, registry):
    class ShopOpened(EventSchema, topic="shop.opened", version=3):
        """The shop has been opened."""

        at: int

    client = serve(MattAPI(title="Shop", version="2.1"))
    response = client.get("/api/asyncapi.json")
    found = response.json()
    assert (response.status_code, found["asyncapi"]) == (200, "3.0.0")
    assert found["info"] == {"title": "Shop", "version": "2.1"}
    assert list(found["channels"]) == ["shop.ordered", "shop.opened"]
    message = found["channels"]["shop.opened"]["messages"]["ShopOpened"]
    assert message["description"] == "The shop has been opened."
    assert message["headers"]["properties"]["version"]["const"] == 3
    assert message["payload"] == {"$ref": "#/components/schemas/ShopOpened"}
    assert found["components"]["schemas"]["ShopOpened"]["required"] == ["at"]
    assert found["operations"]["send.shop.opened"]["action"] == "send"

    again = client.get("/api/asyncapi.json", HTTP_IF_NONE_MATCH=response["ETag"])
    assert again.status_code == 304
    assert client.get("/api/openapi.json").json()["externalDocs"]["url"] == "/api/asyncapi.json"


def test_other_apps_add_their_streams_and_sockets(serve, monkeypatch: pytest.MonkeyPatch):
    class SaidInRoom(Schema):
        text: str

    asked = []

    def channels(api: Any) -> list[Channel]:
        asked.append(api)
        return [Channel(path="/chat/{slug:room}", sends=[SaidInRoom], receives=[SaidInRoom, int])]

    monkeypatch.setattr(apps.get_app_config("shop"), "channels", channels, raising=False)
    api = MattAPI()
    found = serve(api, "<slug:shop>/api/").get("/toys/api/asyncapi.json").json()
    assert asked == [api]
    chat = found["channels"]["chat_slug_room"]
    assert chat["address"] == "/toys/api/chat/{room}"
    assert list(chat["parameters"]) == ["room"]
    assert list(chat["messages"]) == ["send1", "receive1", "receive2"]
    assert chat["messages"]["receive2"]["payload"] == {"type": "integer"}


@pytest.mark.django_db(transaction=True)
def test_the_document_is_closed_as_the_openapi_document_is(serve):
    client = serve(MattAPI(docs_decorator=login_required(login_url="/sign-in")))
    for name in ("openapi", "asyncapi"):
        assert client.get(f"/api/{name}.json").status_code == 302
    client.force_login(User.objects.create(username="ada"))
    for name in ("openapi", "asyncapi"):
        assert client.get(f"/api/{name}.json").status_code == 200


def test_an_api_without_documents_has_none(serve):
    assert serve(MattAPI(openapi_url=None)).get("/api/asyncapi.json").status_code == 404


def test_an_app_that_comes_later_may_turn_the_documents_off(serve, monkeypatch: pytest.MonkeyPatch):
    def extend(api: Any) -> None:
        api.openapi_url = None

    monkeypatch.setattr(apps.get_app_config("shop"), "extend", extend, raising=False)
    client = serve(MattAPI())
    for name in ("openapi", "asyncapi"):
        assert client.get(f"/api/{name}.json").status_code == 404


def test_the_document_can_be_turned_off_alone(serve, settings):
    settings.MATT_EVENTS = {"ASYNCAPI": False}
    client = serve(MattAPI())
    assert client.get("/api/asyncapi.json").status_code == 404
    assert "externalDocs" not in client.get("/api/openapi.json").json()


def test_the_document_is_in_the_folder_of_the_openapi_document(serve):
    client = serve(MattAPI(openapi_url="/schema/openapi.json", openapi_extra={}))
    assert client.get("/api/asyncapi.json").status_code == 404
    assert client.get("/api/schema/asyncapi.json").status_code == 200
    linked = client.get("/api/schema/openapi.json").json()["externalDocs"]["url"]
    assert linked == "/api/schema/asyncapi.json"


def test_a_link_of_the_project_is_kept(serve):
    own = {"externalDocs": {"url": "https://example.com"}}
    found = serve(MattAPI(openapi_extra=own)).get("/api/openapi.json").json()
    assert found["externalDocs"] == own["externalDocs"]
