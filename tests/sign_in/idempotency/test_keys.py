"""``@idempotent``: a write with a key is carried out once, and its response is sent again."""

import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja.errors import HttpError

from django_matt import JSONL, MattAPI
from django_matt.contrib.conditional import check_preconditions, conditional
from django_matt.contrib.idempotency.decorators import idempotent
from django_matt.contrib.idempotency.models import IdempotencyRecord
from django_matt.errors.exceptions import Problem
from django_matt.errors.problems import ErrorResponse
from tests.project.models import Everything, Tag
from tests.sign_in.idempotency.shops import KEY, Shop, tags


def order(request: Any, number: int) -> Any:
    return {"id": Tag.objects.create(name="ordered").pk}


def created(request: Any, number: int) -> Any:
    pk = Tag.objects.create(name="created").pk
    answer = HttpResponse(f"made {pk}", status=201, content_type="text/x-made")
    answer["Location"] = f"/tags/{pk}"
    answer["X-Trace"] = "7"
    answer.set_cookie("session", "secret")
    return answer


def test_a_repeated_request_is_carried_out_once_and_gets_the_first_response(shop: Shop):
    shop.add(order)
    first, second = shop.send(), shop.send()
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.json() == {"id": Tag.objects.get().pk}
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"


def test_without_a_key_every_request_is_carried_out(sync_shop: Shop):
    sync_shop.add(order)
    sync_shop.send(None)
    sync_shop.send(None)
    assert tags() == ["ordered", "ordered"]


def test_a_key_with_quotes_is_the_same_as_without(sync_shop: Shop):
    sync_shop.add(order)
    sync_shop.send(KEY)
    assert sync_shop.send(f'"{KEY}"')["Idempotency-Replayed"] == "true"


def test_status_headers_and_bytes_are_repeated_and_cookies_are_not(shop: Shop, settings: Any):
    settings.MATT_IDEMPOTENCY = {"HEADERS": ["X-Trace"]}
    shop.add(created)
    first, second = shop.send(), shop.send()
    assert (second.status_code, second.content) == (201, first.content)
    for name in ("Content-Type", "Location", "X-Trace"):
        assert second[name] == first[name]
    assert "session" in first.cookies
    assert not second.cookies
    assert "secret" not in str(IdempotencyRecord.objects.values().get())


def secret(request: Any, number: int) -> Any:
    Tag.objects.create(name="secret")
    return HttpResponse("k_7f3a", headers={"Cache-Control": "private, No-Store"})


def test_a_response_that_may_not_be_stored_is_not_kept(shop: Shop):
    shop.add(secret)
    assert shop.send().content == b"k_7f3a"
    again = shop.send()
    assert again.status_code == 409
    assert IdempotencyRecord.objects.get().body is None
    assert tags() == ["secret"]


@pytest.mark.parametrize(
    "change", [{"body": {"a": 1}}, {"path": "/orders?number=2"}, {"content_type": "text/plain"}]
)
def test_the_same_key_with_another_request_is_a_422(sync_shop: Shop, change: Any):
    sync_shop.add(order)
    sync_shop.send()
    answer = sync_shop.send(**change)
    assert answer.status_code == 422
    assert tags() == ["ordered"]


def test_two_users_may_send_the_same_key(sync_shop: Shop):
    sync_shop.add(order)
    sync_shop.send(user="ada")
    assert "Idempotency-Replayed" not in sync_shop.send(user="grace")
    assert tags() == ["ordered", "ordered"]


def test_a_key_belongs_to_one_path_and_one_method(sync_shop: Shop):
    sync_shop.add(order)
    sync_shop.add(order, "/other")
    sync_shop.add(order, method="patch")
    sync_shop.send()
    sync_shop.send(path="/other")
    sync_shop.send(method="patch")
    assert len(tags()) == 3


def test_a_key_belongs_to_one_tenant(sync_shop: Shop, monkeypatch: pytest.MonkeyPatch):
    from django_matt.contrib.idempotency import keys

    class Tenant:
        def __init__(self, pk: int) -> None:
            self.pk = pk

    sync_shop.add(order)
    for pk in (1, 2, 1):
        monkeypatch.setattr(keys, "current_tenant", lambda request, pk=pk: Tenant(pk))
        sync_shop.send()
    assert len(tags()) == 2


@pytest.mark.parametrize(
    "key", ["", " ", '"', '""', '"a', "a,b", "a b", "é" * 3, "a" * 256, 'a"b', "\\"]
)
def test_a_malformed_key_is_a_400(sync_shop: Shop, key: str):
    sync_shop.add(order)
    assert sync_shop.send(key).status_code == 400
    assert tags() == []


def test_a_missing_key_is_a_400_where_it_is_required(shop: Shop):
    shop.add(order, marked=idempotent(required=True))
    assert shop.send(None).status_code == 400
    assert shop.send().status_code == 200


def test_an_anonymous_key_must_be_too_long_to_guess(sync_shop: Shop):
    sync_shop.add(order, auth=None)
    assert sync_shop.send("1", user=None).status_code == 400
    sync_shop.send(user=None)
    assert sync_shop.send(user=None)["Idempotency-Replayed"] == "true"
    assert tags() == ["ordered"]


def test_a_function_may_say_whose_key_it_is(sync_shop: Shop):
    sync_shop.add(
        order, auth=None, marked=idempotent(owner=lambda request: request.headers["X-Device"])
    )
    for device in ("a", "b", "a"):
        sync_shop.send("1", user=None, headers={"X-Device": device})
    assert len(tags()) == 2


def fails(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    if Tag.objects.count() == 1 and not request.headers.get("X-Works"):
        raise ZeroDivisionError
    return {"ok": True}


def unavailable(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    if not request.headers.get("X-Works"):
        raise HttpError(503, "later")
    return {"ok": True}


def answers_5xx(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    return HttpResponse(status=500) if not request.headers.get("X-Works") else {"ok": True}


@pytest.mark.parametrize("work", [fails, unavailable, answers_5xx])
def test_a_5xx_is_rolled_back_and_not_kept(shop: Shop, work: Any):
    shop.add(work)
    assert shop.send().status_code >= 500
    assert (tags(), IdempotencyRecord.objects.count()) == ([], 0)
    assert shop.send(headers={"X-Works": "1"}).json() == {"ok": True}
    assert shop.send()["Idempotency-Replayed"] == "true"
    assert tags() == ["half"]


def refuses(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    raise HttpError(402, "Pay first.")


class SoldOut(Exception):
    pass


def sells_out(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    raise SoldOut


def finds_nothing(request: Any, number: int) -> Any:
    Tag.objects.create(name="half")
    Tag.objects.get(name="another")


@pytest.mark.parametrize(
    ("work", "status"), [(refuses, 402), (sells_out, 409), (finds_nothing, 404)]
)
def test_a_4xx_that_the_view_raises_keeps_its_record_and_loses_its_writes(
    shop: Shop, work: Any, status: int
):
    shop.api.register_error(
        SoldOut, lambda request, exc: ErrorResponse(status=409, detail="Sold out.")
    )
    shop.add(work)
    first, second = shop.send(), shop.send()
    assert (first.status_code, second.status_code) == (status, status)
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert tags() == []


def test_a_4xx_that_the_view_returns_keeps_its_writes(sync_shop: Shop):
    def declines(request: Any, number: int) -> Any:
        Tag.objects.create(name="declined")
        return HttpResponse("no", status=402)

    sync_shop.add(declines)
    assert [sync_shop.send().status_code, sync_shop.send().status_code] == [402, 402]
    assert tags() == ["declined"]


@pytest.mark.parametrize(
    ("status", "headers"),
    [(401, {}), (403, {}), (408, {}), (425, {}), (429, {"Retry-After": "1"}), (409, {"Retry-After": "1"})],
)  # fmt: skip
def test_a_refused_request_may_be_sent_again_with_its_key(
    shop: Shop, status: int, headers: dict[str, str]
):
    def guarded(request: Any, number: int) -> Any:
        Tag.objects.create(name="half")
        if not request.headers.get("X-Works"):
            raise Problem("Not now.", "refused", status=status, headers=headers)
        return {"ok": True}

    shop.add(guarded)
    for _ in range(2):
        refused = shop.send()
        assert refused.status_code == status
        assert "Idempotency-Replayed" not in refused
    assert (tags(), IdempotencyRecord.objects.count()) == ([], 0)
    assert shop.send(headers={"X-Works": "1"}).json() == {"ok": True}
    assert shop.send()["Idempotency-Replayed"] == "true"
    assert tags() == ["half"]


def test_a_refusal_that_the_view_returns_keeps_its_writes_as_without_a_key(shop: Shop):
    def counts(request: Any, number: int) -> Any:
        Tag.objects.create(name="attempt")
        return HttpResponse("Slow down.", status=429)

    shop.add(counts)
    assert [shop.send().status_code, shop.send().status_code] == [429, 429]
    assert tags() == ["attempt", "attempt"]
    assert IdempotencyRecord.objects.count() == 0


def test_a_response_that_asks_to_come_back_is_kept_if_it_is_no_error(sync_shop: Shop):
    def accepts(request: Any, number: int) -> Any:
        Tag.objects.create(name="accepted")
        return HttpResponse("{}", status=202, headers={"Retry-After": "5"})

    sync_shop.add(accepts)
    assert [sync_shop.send().status_code, sync_shop.send().status_code] == [202, 202]
    assert tags() == ["accepted"]


def test_an_invalid_request_is_not_kept(shop: Shop):
    shop.add(order)
    assert shop.send(path="/orders?number=x").status_code == 422
    assert shop.send().status_code == 200
    assert IdempotencyRecord.objects.count() == 1


def test_a_database_error_that_the_view_catches_is_a_500_and_stores_nothing(shop: Shop):
    def careless(request: Any, number: int) -> Any:
        Tag.objects.create(name="lost")
        try:
            with transaction.atomic(savepoint=False):
                Tag(pk=Tag.objects.get().pk, name="again").save(force_insert=True)
        except IntegrityError:
            pass
        return {"ok": True}

    shop.add(careless)
    assert shop.send().status_code == 500
    assert (tags(), IdempotencyRecord.objects.count()) == ([], 0)


def test_the_view_may_open_a_durable_transaction(shop: Shop):
    def durable(request: Any, number: int) -> Any:
        with transaction.atomic(durable=True):
            return order(request, number)

    shop.add(durable)
    assert [shop.send().status_code, shop.send().status_code] == [200, 200]
    assert tags() == ["ordered"]


def test_what_runs_on_commit_runs_once_and_after_the_response_is_stored(
    shop: Shop, transactional_db: None
):
    seen: list[int] = []

    def notifies(request: Any, number: int) -> Any:
        transaction.on_commit(
            lambda: seen.append(IdempotencyRecord.objects.filter(status=200).count())
        )
        return {"ok": True}

    shop.add(notifies)
    shop.send()
    shop.send()
    assert seen == [1]


@pytest.mark.parametrize("raises", [False, True])
def test_atomic_requests_keep_the_record(
    serve: Any, db: None, monkeypatch: pytest.MonkeyPatch, raises: bool
):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    shop = Shop(serve, "sync")
    shop.add(refuses if raises else order)
    first, second = shop.send(), shop.send()
    assert first.content == second.content
    assert second["Idempotency-Replayed"] == "true"
    assert tags() == ([] if raises else ["ordered"])


@pytest.mark.parametrize("work", [fails, unavailable])
def test_a_5xx_under_atomic_requests_rolls_the_whole_request_back(
    serve: Any, db: None, monkeypatch: pytest.MonkeyPatch, work: Any
):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    shop = Shop(serve, "sync")
    shop.add(work)
    assert shop.send().status_code >= 500
    from django.contrib.auth import get_user_model

    # The authenticator has written it, in the transaction of the request.
    assert not get_user_model().objects.exists()
    assert (tags(), IdempotencyRecord.objects.count()) == ([], 0)


def test_an_expired_key_is_carried_out_again(sync_shop: Shop):
    sync_shop.add(order)
    sync_shop.send()
    past = timezone.now() - datetime.timedelta(seconds=1)
    IdempotencyRecord.objects.update(expires_at=past)
    assert "Idempotency-Replayed" not in sync_shop.send()
    assert sync_shop.send()["Idempotency-Replayed"] == "true"
    assert tags() == ["ordered", "ordered"]
    assert IdempotencyRecord.objects.get().expires_at > timezone.now()


@pytest.mark.django_db
def test_prune_deletes_only_what_has_expired(serve: Any):
    shop = Shop(serve, "sync")
    shop.add(order)
    shop.send()
    for arguments, said in ((["--dry-run"], "0 keys would be"), ([], "0 keys were")):
        out = StringIO()
        call_command("matt_idempotency", "prune", *arguments, stdout=out)
        assert said in out.getvalue()
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    for arguments, left in ((["--dry-run"], 1), ([], 0)):
        call_command("matt_idempotency", "prune", *arguments, stdout=StringIO())
        assert IdempotencyRecord.objects.count() == left


def long(request: Any, number: int) -> Any:
    Tag.objects.create(name="long")
    return HttpResponse("x" * 101)


def stream(request: Any, number: int) -> Any:
    Tag.objects.create(name="long")
    return StreamingHttpResponse([b"x"])


@pytest.mark.parametrize("work", [long, stream])
def test_a_response_that_is_too_long_or_a_stream_is_not_carried_out_again(
    shop: Shop, settings: Any, work: Any
):
    settings.MATT_IDEMPOTENCY = {"MAX_BODY": 100}
    shop.add(work)
    assert shop.send().status_code == 200
    again = shop.send()
    assert (again.status_code, again["Content-Type"][:16]) == (409, "application/json")
    assert tags() == ["long"]


def test_a_form_with_a_file_is_the_same_with_another_boundary(serve: Any, db: None):
    from ninja import File, Form
    from ninja.files import UploadedFile

    shop = Shop(serve, "sync")

    @shop.api.post("/files")
    @idempotent()
    def upload(request: Any, name: Form[str], file: File[UploadedFile]) -> Any:
        return {"id": Tag.objects.create(name=name).pk, "text": file.read().decode()}

    def sent(content: bytes) -> Any:
        file = SimpleUploadedFile("a.txt", content)
        return shop.client.post(
            "/api/files",
            {"name": "ada", "file": file},
            headers={"X-API-Key": "ada", "Idempotency-Key": KEY},
        )

    assert sent(b"one").json()["text"] == "one"
    assert sent(b"one")["Idempotency-Replayed"] == "true"
    assert sent(b"two").status_code == 422


@pytest.fixture
def api() -> MattAPI:
    return MattAPI(urls_namespace="idempotent-own", extensions=["matt_idempotency"])


@pytest.mark.django_db
def test_every_post_and_patch_with_authentication_accepts_keys_by_setting(
    serve: Any, settings: Any
):
    shop = Shop(serve, "sync")
    settings.MATT_IDEMPOTENCY = {"APIS": [shop.api.urls_namespace]}
    shop.add(order, marked=False)
    shop.add(order, "/put", method="put", marked=False)
    shop.add(order, "/open", marked=False, auth=None)
    shop.add(order, "/off", marked=idempotent(enabled=False))
    for path, method, is_repeated in (
        ("/orders", "post", True),
        ("/put", "put", False),
        ("/open", "post", False),
        ("/off", "post", False),
    ):
        shop.send(path=path, method=method)
        again = shop.send(path=path, method=method)
        assert ("Idempotency-Replayed" in again) is is_repeated, path


@pytest.mark.django_db
def test_a_conditional_write_is_repeated_although_it_has_changed_the_state(serve: Any):
    moment = datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)
    row = Everything.objects.create(moment=moment)
    shop = Shop(serve, "sync")

    def state(request: Any, number: int = 0) -> str:
        return f"v-{Everything.objects.get(pk=row.pk).char}"

    @shop.api.patch("/rows")
    @conditional(etag=state)
    @idempotent()
    def change(request: Any) -> Any:
        Everything.objects.filter(pk=row.pk).update(char="changed")
        return {"ok": True}

    sent: Any = {"path": "/rows", "method": "patch", "headers": {"If-Match": f'"v-{row.char}"'}}
    first, second = shop.send(**sent), shop.send(**sent)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second["Idempotency-Replayed"] == "true"
    assert shop.send("another-key", **sent).status_code == 412


@pytest.mark.django_db
def test_a_condition_by_a_column_works_inside_of_a_key(serve: Any):
    moment = datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)
    row = Everything.objects.create(moment=moment)
    shop = Shop(serve, "sync")

    @shop.api.patch("/rows")
    @conditional(last_modified="moment")
    @idempotent()
    def change(request: Any) -> Any:
        found = Everything.objects.get(pk=row.pk)
        check_preconditions(request, found)
        found.char = "changed"
        found.save()
        return {"ok": True}

    sent: Any = {"path": "/rows", "method": "patch", "headers": {"If-Match": '"old"'}}
    assert [shop.send(**sent).status_code for _ in range(2)] == [412, 412]
    assert Everything.objects.get().char != "changed"
    assert shop.send("another-key", path="/rows", method="patch").status_code == 200
    assert Everything.objects.get().char == "changed"


def test_routes_that_cannot_be_repeated_are_reported_by_name(api: MattAPI, serve: Any):
    @api.get("/read")
    @idempotent()
    def reads(request: Any) -> Any:
        return {}

    @api.get("/many", response=JSONL[int])
    @idempotent()
    def streams(request: Any) -> Any:
        yield 1

    serve(api)
    said = str(run_checks())
    assert "@idempotent of reads" in said
    assert "@idempotent of streams" in said


def test_the_document_names_the_header_and_the_errors(api: MattAPI, serve: Any):
    @api.post("/orders", response={200: dict[str, int], 201: dict[str, int]})
    @idempotent(required=True)
    def write(request: Any) -> Any:
        return {}

    found = serve(api).get("/api/openapi.json").json()["paths"]["/api/orders"]["post"]
    header = next(each for each in found["parameters"] if each["name"] == "Idempotency-Key")
    assert (header["in"], header["required"]) == ("header", True)
    assert {"400", "409", "422"} <= set(found["responses"])
    assert "Idempotency-Replayed" in found["responses"]["201"]["headers"]


@pytest.mark.parametrize(
    "options", [{"EXPIRES": 0}, {"WAIT": -1}, {"MAX_BODY": "1"}, {"HEADERS": ["Set-Cookie"]}]
)
def test_a_wrong_setting_is_reported(settings: Any, options: Any):
    from django_matt.contrib.idempotency.checks import check_settings

    settings.MATT_IDEMPOTENCY = options
    assert [each.id for each in check_settings()] == ["matt_idempotency.E001"]


def test_the_record_has_no_key_and_no_owner_in_clear(sync_shop: Shop):
    sync_shop.add(order, marked=True)
    sync_shop.send(user="ada")
    kept = str(IdempotencyRecord.objects.values().get())
    assert KEY not in kept
    assert "ada" not in kept


@pytest.mark.django_db
def test_the_migrations_are_complete():
    out = StringIO()
    call_command("makemigrations", "matt_idempotency", check=True, dry_run=True, stdout=out)
    assert "No changes" in out.getvalue()
