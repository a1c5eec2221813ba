"""Which string literals of a source file are hidden: those that belong to a sensitive name."""

import re

import pytest

from django_matt.errors.tracebacks.literals import hide_literals

SENSITIVE = re.compile("API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE", re.IGNORECASE)


def hide(text: str) -> str:
    return "".join(hide_literals(text.splitlines(True), lambda name: bool(SENSITIVE.search(name))))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('secret_token = "hush"', "secret_token = ********"),
        ('pw, token = "é", b"hush"', "pw, token = ********, ********"),
        ('self.password: str = f"{hush}"', "self.password: str = ********"),
        ('settings["SECRET_KEY"] = "é" "hush"', 'settings["SECRET_KEY"] = ********'),
        ('login(password="hush", user="ann")', 'login(password=********, user="ann")'),
        ('{"password": "hush", "user": "ann"}', '{"password": ********, "user": "ann"}'),
        ('user.set_password("hush")', "user.set_password(********)"),
        ('if token == "hush": pass', "if token == ********: pass"),
        ('def f(a, token="hush", *, b="b"): ...', 'def f(a, token=********, *, b="b"): ...'),
        (
            'api_key = os.environ.get("API_KEY", "hush")',
            'api_key = os.environ.get("API_KEY", ********)',
        ),
        ('key = os.environ["API_KEY"]', 'key = os.environ["API_KEY"]'),
        (
            'os.environ.setdefault("SECRET_KEY", "hush")',
            'os.environ.setdefault("SECRET_KEY", ********)',
        ),
        ('x = getenv("API_KEY", default="hush")', 'x = getenv("API_KEY", default=********)'),
        ('h = [("Authorization", "hush")]', 'h = [("Authorization", ********)]'),
        ('route("/token", "shown")', 'route("/token", "shown")'),
        ('fields = ["password", "email"]', 'fields = ["password", "email"]'),
        ("say(f\"{login(password='hush')}\")", "say(********)"),
        ('say(f"{user!r} shown")', 'say(f"{user!r} shown")'),
        ('name = "shown"', 'name = "shown"'),
        ('api = MattAPI(title="Shop")', 'api = MattAPI(title="Shop")'),
        ('api_controller("/shop")', 'api_controller("/shop")'),
        ('STRIPE_API = "hush"', "STRIPE_API = ********"),
        ('keys = ["shown"]', 'keys = ["shown"]'),
        ('if "shown" in keys: pass', 'if "shown" in keys: pass'),
        ('api_keys = ["hush"]', "api_keys = [********]"),
        ('KEYS = ["hush"]', "KEYS = [********]"),
        ('key = "hush"', "key = ********"),
        ('{"keys": ["hush"]}', '{"keys": [********]}'),
    ],
)
def test_a_literal_of_a_sensitive_name_is_hidden_and_others_are_shown(written, shown):
    assert hide(written) == shown


def test_a_literal_of_many_lines_keeps_the_numbers_of_the_lines_below():
    assert hide('token = """\na\nb""" + "c"\nx = 1\n') == "token = ********\n\n + ********\nx = 1\n"


def test_a_file_that_cannot_be_parsed_hides_what_is_beside_a_sensitive_name():
    assert hide("x = (\ntoken = 'hush\nuser = 'ann'\n") == "x = (\ntoken = ********\nuser = 'ann'\n"
