"""Users sign in with their e-mail address, in any case."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.db import IntegrityError
from django_matt.testing import MattClient

from tests.factories import PASSWORD, make_user
from users.models import User

pytestmark = pytest.mark.django_db


def test_a_user_signs_in_with_the_address_in_any_case() -> None:
    user = make_user(email="Ada@Example.com")
    assert user.email == "ada@example.com"
    assert authenticate(username="ADA@example.COM", password=PASSWORD) == user
    assert authenticate(username="ada@example.com", password="another") is None


def test_async_code_stores_and_finds_the_same() -> None:
    user = async_to_sync(User.objects.acreate_user)("Ada@Example.com", PASSWORD)
    assert user.email == "ada@example.com"
    found = async_to_sync(aauthenticate)(username="ADA@example.com", password=PASSWORD)
    assert found == user


def test_an_address_belongs_to_one_user() -> None:
    make_user(email="ada@example.com")
    with pytest.raises(IntegrityError):
        make_user(email="ADA@example.com")


def test_no_address_is_stored_in_upper_case() -> None:
    with pytest.raises(IntegrityError, match="users_user_email_lower_case"):
        User.objects.bulk_create([User(email="Ada@Example.com")])


def test_a_superuser_has_all_permissions() -> None:
    user = User.objects.create_superuser("ada@example.com")
    assert user.is_staff
    assert user.has_perm("users.delete_user")
    assert not user.has_usable_password()


def test_a_user_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user(" ")


def test_the_admin_adds_and_finds_a_user(staff: MattClient) -> None:
    form = {
        "email": "Ada@Example.com",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    staff.post("/admin/users/user/add/", data=form).expect(302)
    user = User.objects.get(email="ada@example.com")
    assert user.check_password(PASSWORD)
    assert "ada@example.com" in staff.get("/admin/users/user/?q=ada").expect(200).text
    staff.get(f"/admin/users/user/{user.pk}/change/").expect(200)
    again = staff.post("/admin/users/user/add/", data=form).expect(200).text
    assert "already exists" in again
