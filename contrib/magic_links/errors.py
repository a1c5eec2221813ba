"""Why a link or a code is refused."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from django_matt.errors.exceptions import Problem, TooManyRequests

__all__ = ["LinkRefused", "OtherBrowser", "TooManyLinks"]


class LinkRefused(Problem):
    """The link or the code is wrong, used, expired, superseded, or its account cannot sign in: always the same response."""

    status_code = 400
    default_detail: Any = _(
        "The link or the code is wrong, has been used, or has expired. Request a new one."
    )
    default_code = "link_refused"


class OtherBrowser(Problem):
    """The link is valid, but this is not the browser that requested it: the code of the same mail is needed too."""

    status_code = 409
    default_detail: Any = _(
        "You opened the link in another browser. Enter the code of the same mail to sign in here."
    )
    default_code = "code_needed"

    def __init__(self, email: str) -> None:
        """Take the masked address that would be signed in, which becomes the member ``email``."""
        super().__init__(email=email)


class TooManyLinks(TooManyRequests):
    """The recipient or the client has used up its limit."""

    default_detail: Any = _("Too many links were requested. Try again later.")

    def __init__(self, seconds: int) -> None:
        """Take the seconds after which the next request is accepted."""
        super().__init__(headers={"Retry-After": str(seconds)})
