"""Pages that change an account refuse a member of staff who acts as its user."""

from typing import Any

from django.http import HttpRequest

from tests.sign_in.accounts.conftest import PASSWORD, make_user


def act(get_response: Any) -> Any:
    """Make every request one in which somebody acts as the user."""

    def answer(request: HttpRequest) -> Any:
        request.find_impersonation = lambda: request.user  # type: ignore[attr-defined]
        return get_response(request)

    return answer


def test_nothing_of_the_account_can_be_changed(pages, db, settings):
    visitor = pages()
    user = make_user()
    visitor.force_login(user)
    address = "/accounts/password/change/"
    sent = {"oldpassword": PASSWORD, "password1": "another-horse-1", "password2": "another-horse-1"}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.act"]
    assert visitor.get(address).status_code == 200
    assert visitor.post(address, sent).status_code == 403
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
