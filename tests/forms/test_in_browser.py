"""A form in Chromium, from a real server: filled in, refused with what was typed, corrected, and sent."""

import json
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import path

from django_matt.forms.html import SchemaForm

from .test_html import OrderIn

pytestmark = pytest.mark.once

PAGE = """<!doctype html><html lang="en"><head><title>Order</title></head><body><main><h1>Order</h1>
<form method="post">{% csrf_token %}{{ form }}<button>Send</button></form></main></body></html>"""


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def order(request: HttpRequest) -> HttpResponse:
    form = SchemaForm(OrderIn, request.POST if request.method == "POST" else None)
    if form.is_valid():
        return JsonResponse(form.clean().model_dump(mode="json", exclude={"password"}))
    page = Template(PAGE).render(RequestContext(request, {"form": form}))
    response = HttpResponse(page, status=422 if form.is_bound else 200)
    response["Content-Security-Policy"] = "default-src 'none'; form-action 'self'"
    return response


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    urls = sys.modules["tests_forms_urls"] = ModuleType("tests_forms_urls")
    urls.urlpatterns = [path("order/", order)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = "tests_forms_urls"
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/order/"
    server.shutdown()
    thread.join()
    server.server_close()
    del sys.modules["tests_forms_urls"]


def test_a_form_is_filled_in_corrected_and_sent(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    # By what people read, as a screen reader finds it.
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Is gift").check()
    page.get_by_label("Price").fill("2.50")
    page.get_by_label("Tags 1").fill("<b>x")
    group = page.get_by_role("group", name="Address")
    group.get_by_label("City").fill("Oslo")
    row = page.get_by_role("group", name="Lines 1")
    row.get_by_label("Sku").fill("lamp")
    page.get_by_label("Data").fill("{not json")
    page.get_by_label("Kind").select_option(label="Large")
    page.get_by_role("button", name="Send").click()

    wrong = page.get_by_label("Data")
    assert wrong.get_attribute("aria-invalid") == "true"
    described = wrong.get_attribute("aria-describedby")
    assert page.locator(f"[id='{described}']").inner_text() == "Enter a valid JSON."
    assert wrong.input_value() == "{not json"
    assert page.get_by_label("Name").input_value() == "Ada"
    assert page.get_by_label("Tags 1").input_value() == "<b>x"
    assert page.get_by_label("Is gift").is_checked()
    assert page.get_by_label("Kind").input_value() == "large"
    wrong.fill('{"a": 1}')
    page.get_by_role("button", name="Send").click()
    sent = json.loads(page.locator("body").inner_text())
    assert sent == {
        "name": "Ada",
        "kind": "large",
        "is_gift": True,
        "price": "2.50",
        "tags": ["<b>x"],
        "address": {"city": "Oslo"},
        "lines": [{"sku": "lamp", "quantity": 1}],
        "data": {"a": 1},
    }
    assert not [text for text in said if "Content Security" in text], said
    page.close()


def test_a_browser_asks_for_what_is_required(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    page.goto(address)
    invalid = "() => [...document.querySelectorAll('input:invalid')].map(each => each.name)"
    assert set(page.evaluate(invalid)) == {"name", "address.city"}
    page.close()
