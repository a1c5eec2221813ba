"""Each public name of the apps that sign users in says what it is (docs/reference/apps.md)."""

import pytest

from tests.docs.test_reference import DESCRIBED, is_of_sign_in, read_docstring


@pytest.mark.parametrize("name", [each for each in DESCRIBED if is_of_sign_in(each)])
def test_every_public_name_has_a_docstring(name: str):
    read_docstring(name)
