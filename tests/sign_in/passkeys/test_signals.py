"""The data for the browser's signal API, and passkeys from before this app was installed."""

from typing import Any

import pytest
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import get_user_model
from fido2.utils import websafe_encode

from django_matt.contrib.passkeys.models import Credential, UserHandle
from tests.sign_in.passkeys.authenticators import Signer
from tests.sign_in.passkeys.visitors import PASSKEYS, Visitor

pytestmark = pytest.mark.django_db
SIGNALS = "/api/passkeys/signals"


@pytest.fixture
def member(signer: Signer) -> Visitor:
    visitor = Visitor("browser")
    assert visitor.sign_up(signer, "ada@example.com").status_code == 200
    return visitor


def id_of(signer: Signer) -> str:
    return websafe_encode(signer.passkeys[0].id)


def test_who_is_not_signed_in_gets_no_signals(signer: Signer):
    assert Visitor("browser").http.get(SIGNALS).status_code == 401


def test_the_signals_are_the_arguments_of_the_browsers_functions(member: Visitor, signer: Signer):
    response = member.http.get(SIGNALS)
    handle = websafe_encode(signer.passkeys[0].user_handle)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json() == {
        "allAcceptedCredentials": [
            {"rpId": "localhost", "userId": handle, "allAcceptedCredentialIds": [id_of(signer)]}
        ],
        "currentUserDetails": [
            {
                "rpId": "localhost",
                "userId": handle,
                "name": "ada@example.com",
                "displayName": get_user_model().objects.get().username,
            }
        ],
    }


def test_a_deleted_passkey_is_no_longer_accepted(member: Visitor, signer: Signer):
    phone = Signer()
    member.reauthenticate(signer)
    member.add(phone)
    pk = member.first_passkey()
    member.send("DELETE", PASSKEYS, {"authenticators": [pk]})
    accepted = member.http.get(SIGNALS).json()["allAcceptedCredentials"]
    assert [each["allAcceptedCredentialIds"] for each in accepted] == [[id_of(phone)]]
    assert Credential.objects.count() == 1


def test_who_never_had_a_passkey_gets_empty_lists(django_user_model: Any):
    visitor = Visitor("browser")
    visitor.http.force_login(
        django_user_model.objects.create_user("bob"), "django.contrib.auth.backends.ModelBackend"
    )
    expected: dict[str, Any] = {"allAcceptedCredentials": [], "currentUserDetails": []}
    assert visitor.http.get(SIGNALS).json() == expected
    assert not UserHandle.objects.exists()


def test_an_api_with_its_own_authentication_uses_it_for_the_signals(serve: Any, settings: Any):
    from django_matt import MattAPI
    from django_matt.authentication import BearerAuthenticator

    class Token(BearerAuthenticator):
        is_blocking = False

        def authenticate(self, request, credentials):
            return None

    client = serve(MattAPI(auth=Token(), extensions=["matt_passkeys"]))
    assert client.get(SIGNALS).headers["WWW-Authenticate"].startswith("Bearer")


@pytest.fixture
def veteran(member: Visitor, signer: Signer) -> Visitor:
    """Somebody whose passkey was registered by allauth alone: its user handle is the primary key."""
    user = get_user_model().objects.get()
    UserHandle.objects.all().delete()
    Credential.objects.all().delete()
    signer.passkeys[0].user_handle = user_pk_to_url_str(user).encode()
    member.log_out()
    return member


def test_a_passkey_from_before_this_app_signs_in_and_its_counter_is_kept(
    veteran: Visitor, signer: Signer
):
    assert veteran.log_in(signer, counter=7).status_code == 200
    veteran.log_out()
    assert veteran.log_in(signer, counter=7).status_code == 400
    assert veteran.log_in(signer, counter=8).status_code == 200


def test_the_signals_name_both_handles_of_who_has_passkeys_from_before(
    veteran: Visitor, signer: Signer
):
    old = websafe_encode(signer.passkeys[0].user_handle)
    veteran.log_in(signer)
    veteran.reauthenticate(signer)
    accepted = veteran.http.get(SIGNALS).json()["allAcceptedCredentials"]
    assert [each["userId"] for each in accepted] == [old]
    phone = Signer()
    veteran.add(phone)
    accepted = veteran.http.get(SIGNALS).json()["allAcceptedCredentials"]
    new = websafe_encode(phone.passkeys[0].user_handle)
    assert [each["userId"] for each in accepted] == [new, old]
    assert {len(each["allAcceptedCredentialIds"]) for each in accepted} == {2}


def test_a_deleted_user_leaves_nothing(member: Visitor):
    get_user_model().objects.get().delete()
    assert not UserHandle.objects.exists()
    assert not Credential.objects.exists()
