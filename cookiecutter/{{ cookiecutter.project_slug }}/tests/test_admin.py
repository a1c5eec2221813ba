"""The admin opens for the staff."""

import pytest
from django_matt.testing import MattClient


@pytest.mark.django_db
def test_visitors_are_asked_to_sign_in(visitor: MattClient) -> None:
    visitor.get("/admin/").expect(302)


def test_the_staff_sees_the_admin(staff: MattClient) -> None:
    assert "Site administration" in staff.get("/admin/").expect(200).text
{%- if cookiecutter.__example %}


def test_the_staff_finds_an_item(staff: MattClient{{ ', member: MattClient' if cookiecutter.__b2b else '' }}) -> None:
    {{ 'member' if cookiecutter.__b2b else 'staff' }}.post("/api/items", json={"name": "Desk lamp", "price": "39.90"}).expect(201)
    found = staff.get("/admin/{{ cookiecutter.app_name }}/item/?q=lamp").expect(200)
    assert "Desk lamp" in found.text
{%- endif %}
