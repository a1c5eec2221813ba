"""Users sign in with their username."""

import pytest
from django.contrib.auth import authenticate
from django_matt.testing import MattClient

from tests.factories import PASSWORD, make_user
from users.models import User

pytestmark = pytest.mark.django_db


def test_a_user_signs_in_with_the_username() -> None:
    user = make_user(username="ada")
    assert authenticate(username="ada", password=PASSWORD) == user
    assert authenticate(username="ada", password="another") is None


def test_the_admin_adds_and_finds_a_user(staff: MattClient) -> None:
    form = {
        "username": "ada",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    staff.post("/admin/users/user/add/", data=form).expect(302)
    user = User.objects.get(username="ada")
    assert user.check_password(PASSWORD)
    assert "ada" in staff.get("/admin/users/user/?q=ada").expect(200).text
    staff.get(f"/admin/users/user/{user.pk}/change/").expect(200)
