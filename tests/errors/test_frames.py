"""A traceback as data: what it holds, what it hides, and that nothing in it can break or hang it."""

import json
import re
import sys
import time
from collections import ChainMap, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType, SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.debug import sensitive_variables
from pydantic import BaseModel

from django_matt.errors.tracebacks.frames import MAX_EXCEPTIONS, MAX_FRAMES, capture, locate
from django_matt.errors.tracebacks.safe_repr import Values

Credentials = namedtuple("Credentials", "user password")


def traced(function, *args):
    try:
        function(*args)
    except BaseException as exc:
        return capture(exc)
    raise AssertionError("it did not raise")


def local(value, name="value"):
    def fail(value):
        raise ValueError("x")

    return traced(fail, value)["frames"][-1]["locals"][name]


def test_a_frame_has_its_place_its_source_and_its_locals():
    def fail():
        apples = 3
        raise ValueError(f"{apples} apples")

    trace = traced(fail)
    frame = trace["frames"][-1]
    assert (trace["type"], trace["message"]) == ("ValueError", "3 apples")
    assert frame["file"] == __file__
    assert frame["name"] == "tests/errors/test_frames.py"
    assert frame["function"].endswith("fail")
    assert frame["locals"] == {"apples": "3"}
    assert frame["yours"] is True
    current = [line for line in frame["source"] if line["current"]]
    assert [(line["number"], line["text"].strip()) for line in current] == [
        (frame["line"], 'raise ValueError(f"{apples} apples")')
    ]


def test_library_frames_are_told_apart():
    trace = traced(json.loads, "{")
    assert [frame["yours"] for frame in trace["frames"]] == [True, False, False, False]
    trace = traced(Group.objects.get, "nonsense", 1)
    assert {f["module"].split(".")[0]: f["yours"] for f in trace["frames"]}["django"] is False


@pytest.mark.parametrize(
    ("editor", "link"),
    [
        ("vscode://file/{path}:{line}", "vscode://file/"),
        ("pycharm://open?file={path}&line={line}", "pycharm://open?file=/"),
        ("", ""),
    ],
)
def test_a_frame_opens_in_the_editor_of_the_settings(settings, editor, link):
    settings.MATT = {"EDITOR": editor}
    found = traced(json.loads, "{")["frames"][0]["editor"]
    assert found.startswith(link)
    assert "//file//" not in found
    assert bool(found) is bool(editor)


def test_names_that_django_hides_are_hidden_wherever_they_stand():
    class Login(BaseModel):
        name: str
        password: str

    @dataclass
    class Keys:
        api_key: str
        quiet: str = field(default="q", repr=False)

    def fail():
        secret_token = "hush"
        nested = {"user": {"password": "hush", "age": 3}}
        login = Login(name="ann", password="hush")
        owned = [Keys("hush")]
        raise ValueError((secret_token, nested, login, owned) and "x")

    found = traced(fail)["frames"][-1]["locals"]
    assert found["secret_token"] == "********"
    assert found["nested"] == "{'user': {'password': ********, 'age': 3}}"
    assert found["login"] == "Login(name='ann', password=********)"
    assert found["owned"] == "[Keys(api_key=********)]"


def test_sensitive_variables_are_honoured():
    @sensitive_variables("card")
    def pay(card, amount):
        raise ValueError("declined")

    @sensitive_variables()
    def hide_all(card, amount):
        raise ValueError("declined")

    for function, amount in ((pay, "5"), (hide_all, "********")):
        trace = traced(function, "4111-1111", 5)
        assert trace["frames"][-1]["locals"] == {"card": "********", "amount": amount}
        wrapper = next(f for f in trace["frames"] if "sensitive_variables_wrapper" in f["function"])
        assert "4111-1111" not in str(wrapper["locals"])


def test_the_projects_own_filter_is_asked(settings, monkeypatch):
    from django.views import debug

    class Mine(debug.SafeExceptionReporterFilter):
        hidden_settings = re.compile("PLATE", re.IGNORECASE)

    monkeypatch.setattr(debug, "get_default_exception_reporter_filter", Mine)
    assert local({"plate": "AB-12"}) == "{'plate': ********}"


class RaisingRepr:
    def __repr__(self):
        raise RuntimeError("no")


class ExitingRepr:
    def __repr__(self):
        raise SystemExit


class HangingRepr:
    def __repr__(self):
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass


class RecursiveRepr:
    def __repr__(self):
        return repr(self)


class WrongRepr:
    def __repr__(self):
        return 7


class LyingClass:
    @property
    def __class__(self):
        raise RuntimeError("no")


class LongRepr:
    def __repr__(self):
        return "x" * 5_000_000


def cycle():
    value: list = []
    value.append(value)
    return value


def deep():
    value: list = []
    for _ in range(5_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        RaisingRepr,
        ExitingRepr,
        HangingRepr,
        RecursiveRepr,
        WrongRepr,
        LyingClass,
        LongRepr,
        lambda: [HangingRepr()] * 1_000,
        cycle,
        deep,
        lambda: list(range(5_000_000)),
        lambda: "x" * 50_000_000,
        lambda: b"x" * 50_000_000,
        lambda: 1 << 10_000_000,
        lambda: {i: i for i in range(100_000)},
        lambda: {"a\x1b[31m\n": "\x1b]0;owned\x07"},
    ],
)
def test_no_value_breaks_or_hangs_it(make):
    value = make()
    begin = time.process_time()
    text = local(value)
    assert time.process_time() - begin < 5
    assert len(text) < 2_000
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "value",
    [
        RequestFactory().get("/", headers={"Authorization": "hush", "Cookie": "sid=hush"}).headers,
        MappingProxyType({"password": "hush"}),
        ChainMap({}, {"password": "hush"}),
        Credentials("ann", "hush"),
        SimpleNamespace(password="hush"),
        [("Authorization", "hush"), (b"cookie", b"sid=hush")],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_in_any_mapping_or_pair_is_hidden(value):
    text = local(value)
    assert "hush" not in text
    assert "********" in text


def test_the_message_of_a_wrong_schema_hides_the_secrets_in_its_input():
    class Login(BaseModel):
        user: str
        password: str
        code: int

    trace = traced(Login.model_validate, {"user": "ann", "password": ["hush"]})
    assert "hush" not in trace["message"]
    assert trace["message"].startswith(
        "2 validation errors for Login\npassword\n  Input should be a valid string "
        "[type=string_type, input_value=********, input_type=list]\ncode\n  Field required "
        "[type=missing, input_value={'user': 'ann', 'password': ********}, input_type=dict]"
    )


def test_the_trace_function_of_a_debugger_is_given_back():
    def tracer(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        Values(SafeExceptionReporterFilter()).show([1])
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_a_queryset_is_not_run_to_be_shown(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert local(Group.objects.all()) == "<QuerySet of auth.Group, not evaluated>"


def test_a_queryset_inside_of_another_value_is_not_run_either(django_assert_num_queries, db):
    class Holder:
        def __repr__(self):
            return f"<Holder of {Group.objects.all()!r}>"

    with django_assert_num_queries(0):
        assert local(Holder()) == "<Holder, whose text needs a query>"
        error = ValueError(Group.objects.all())
        assert traced(lambda: (_ for _ in ()).throw(error))["message"] == (
            "<ValueError, whose text needs a query>"
        )


def test_an_exception_that_cannot_say_what_it_is_is_still_shown():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no")

    assert "raises RuntimeError" in traced(lambda: (_ for _ in ()).throw(Mute()))["message"]


def test_endless_recursion_is_cut_in_the_middle():
    def again(n):
        return again(n + 1)

    trace = traced(again, 0)
    assert trace["type"] == "RecursionError"
    assert len(trace["frames"]) == MAX_FRAMES
    assert trace["frames_left_out"] > 500
    assert trace["frames"][0]["function"] == "traced"


def test_causes_contexts_and_notes_are_told():
    def fail():
        try:
            try:
                raise KeyError("deep")
            except KeyError:
                raise ValueError("middle")  # noqa: B904
        except ValueError as error:
            outer = TypeError("outer")
            outer.add_note("look here")
            raise outer from error

    trace = traced(fail)
    assert trace["notes"] == ["look here"]
    assert (trace["cause"]["relation"], trace["cause"]["type"]) == ("caused by", "ValueError")
    deepest = trace["cause"]["cause"]
    assert (deepest["relation"], deepest["type"], deepest["cause"]) == (
        "raised while handling",
        "KeyError",
        None,
    )


def test_a_suppressed_context_stays_suppressed():
    def fail():
        try:
            raise KeyError("hidden")
        except KeyError:
            raise ValueError("shown") from None

    assert traced(fail)["cause"] is None


def test_a_cycle_of_causes_ends():
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    trace = capture(first)
    assert trace["cause"] is not None
    assert trace["cause"]["cause"] is None


def test_a_group_shows_its_members_and_counts_the_rest():
    group = ExceptionGroup("many", [ValueError(str(i)) for i in range(100)])
    trace = capture(group)
    assert len(trace["exceptions"]) == MAX_EXCEPTIONS - 1
    assert trace["exceptions_left_out"] == 100 - len(trace["exceptions"])
    assert trace["exceptions"][0]["message"] == "0"


def test_a_compiled_frame_shows_the_source_beside_its_module(tmp_path):
    # Cython gives its code objects a name relative to where they were built.
    (tmp_path / "quick.py").write_text("a = 1\nraise ValueError('from C')\n")
    module = ModuleType("quick")
    module.__file__ = str(tmp_path / "quick.cpython-311-x86_64-linux-gnu.so")
    code = compile("a = 1\nraise ValueError('from C')\n", "pkg/quick.py", "exec")
    trace = traced(exec, code, module.__dict__)
    frame = trace["frames"][-1]
    assert frame["file"] == str(tmp_path / "quick.py")
    assert frame["source"][1] == {
        "number": 2,
        "text": "raise ValueError('from C')",
        "current": True,
    }


@pytest.mark.parametrize(
    "name", ["<string>", "<frozen importlib>", "no/such.py", "a\0b", "x" * 5_000]
)
def test_a_frame_without_a_file_is_a_frame_without_source(name):
    assert locate(name, {}) is None
    trace = traced(exec, compile("1/0", name.replace("\0", ""), "exec"), {})
    assert trace["type"] == "ZeroDivisionError"
    assert trace["frames"][-1]["editor"] == ""


def test_code_that_does_not_compile_is_the_last_frame(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("a = 1\nb = (\n")
    trace = traced(compile, file.read_text(), str(file), "exec")
    last = trace["frames"][-1]
    assert (last["file"], last["line"], last["yours"]) == (str(file), 2, True)
    assert [line["text"] for line in last["source"] if line["current"]] == ["b = ("]
    assert traced(compile, "(", "<nowhere>", "exec")["frames"][-1]["source"] == []
