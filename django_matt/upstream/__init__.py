"""Upstream: the names of Ninja, Ninja Extra, pydantic and Django that these libraries do not promise, each of them once.

A name is without promise if it begins with an underscore, or if it is a member of a module that the library's documentation
does not name (``tests/architecture/test_upstream_names.py`` lists these modules). A release may rename it. So each is looked
up here when Django Matt is imported. One that is gone turns off the features that need it, and the project starts: responses
come from a slower tier, Ninja's OpenAPI document is served, or operations keep Ninja's own ``run``. ``missing`` and the
system check ``matt.E005`` say which name it is.

Other modules import functions and constants from here. The attributes of querysets, requests and contexts are the exception:
they are read where they are used, because they are read for every request; here they are checked.
"""

# Each module says in its `__all__` what is public: a second list here would only repeat it.
from django_matt.upstream.django import *  # noqa: F403
from django_matt.upstream.names import *  # noqa: F403
from django_matt.upstream.ninja import *  # noqa: F403
from django_matt.upstream.ninja_extra import *  # noqa: F403
from django_matt.upstream.pydantic import *  # noqa: F403
