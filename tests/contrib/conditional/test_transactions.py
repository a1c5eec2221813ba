"""What a write with ``@conditional`` stores: nothing, unless the condition of its request was looked at and holds."""

import datetime
import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test import Client
from ninja.errors import HttpError

from django_matt import (
    ControllerBase,
    MattAPI,
    Status,
    api_controller,
    http_put,
)
from django_matt.contrib.conditional import check_preconditions, conditional
from django_matt.contrib.conditional.validators import validator_of
from tests.project.models import Everything, Tag

namespaces = (f"transactions-{number}" for number in itertools.count())
MOMENT = datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)
ROWS = conditional(last_modified="moment")


def write():
    Everything.objects.update(char="written")


def forgets(request):
    write()


def forgets_in_a_block(request):
    with transaction.atomic(durable=True):
        write()


def checks_too_late(request):
    write()
    check_preconditions(request, Everything.objects.get())


def fails_before_it_checks(request):
    write()
    raise ValueError


def refuses(request):
    write()
    return Status(403, {"detail": "no"})


def raises_a_refusal(request):
    write()
    raise HttpError(403, "no")


def checks(request):
    check_preconditions(request, Everything.objects.get())
    write()


def checks_in_a_block(request):
    with transaction.atomic(durable=True):
        check_preconditions(request, Everything.objects.select_for_update().get())
        write()


def catches_an_error_of_the_database(request):
    check_preconditions(request, Everything.objects.get())
    Tag.objects.create(id=1, name="one")
    try:
        Tag.objects.create(id=1, name="two")
    except IntegrityError:
        write()


def fails_after_it_has_written(request):
    check_preconditions(request, Everything.objects.get())
    write()
    raise ValueError


@pytest.fixture(params=["function", "async function", "controller", "async controller"])
def put(request, serve):
    """Serve what a request does to the one row; return what sends the request."""

    def made(do):
        api = MattAPI(urls_namespace=next(namespaces))
        answers = {200: None, 403: dict[str, str]}

        def view(request):
            return do(request)

        async def view_async(request):
            return await sync_to_async(do)(request)

        if "controller" in request.param:
            is_async = "async" in request.param

            @api_controller("")
            class Row(ControllerBase):
                if is_async:

                    @http_put("/row", response=answers)
                    @ROWS
                    async def change(self, request):
                        return await sync_to_async(do)(request)

                else:

                    @http_put("/row", response=answers)
                    @ROWS
                    def change(self, request):
                        return do(request)

            api.register_controllers(Row)
        else:
            chosen = view_async if "async" in request.param else view
            api.put("/row", response=answers)(ROWS(chosen))
        client = serve(api)

        def ask(headers):
            if "async" in request.param:
                return async_to_sync(client.async_client.put)("/api/row", headers=headers)
            return client.put("/api/row", headers=headers)

        return ask

    return made


@pytest.fixture
def row(transactional_db):
    return Everything.objects.create(char="as it was", moment=MOMENT)


@pytest.mark.parametrize(
    ("do", "status"),
    [
        (forgets, 500),
        (forgets_in_a_block, 500),
        (checks_too_late, 412),
        (fails_before_it_checks, 500),
        (refuses, 403),
        (raises_a_refusal, 403),
    ],
)
def test_nothing_is_stored_where_a_condition_was_not_accepted(put, row, do, status):
    assert put(do)({"If-Match": '"of-another-day"'}).status_code == status
    assert Everything.objects.get().char == "as it was"


@pytest.mark.parametrize("do", [checks, checks_in_a_block])
def test_what_is_written_under_a_condition_that_holds_is_stored(put, row, do):
    answer = put(do)({"If-Match": "*"})
    assert answer.status_code == 200, answer.content
    assert Everything.objects.get().char == "written"
    assert not transaction.get_connection().in_atomic_block


@pytest.mark.parametrize("do", [forgets, checks, forgets_in_a_block])
def test_a_request_without_a_condition_stores_as_ever(put, row, do):
    assert put(do)({}).status_code == 200
    assert Everything.objects.get().char == "written"


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
def test_what_fails_after_the_condition_was_accepted_is_as_without_one(put, row, headers):
    assert put(fails_after_it_has_written)(headers).status_code == 500
    assert Everything.objects.get().char == "written"


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
def test_a_view_catches_an_error_of_the_database_as_without_a_condition(put, row, headers):
    assert put(catches_an_error_of_the_database)(headers).status_code == 200
    assert Everything.objects.get().char == "written"


def locks_without_a_block(request):
    row = Everything.objects.select_for_update().get()
    check_preconditions(request, row)
    row.moment += datetime.timedelta(seconds=1)
    Everything.objects.filter(id=row.id).update(moment=row.moment, integer=F("integer") + 1)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it locks no rows")
def test_a_row_that_is_locked_before_its_condition_is_locked_until_it_is_written(serve, row):
    api = MattAPI(urls_namespace=next(namespaces))
    Everything.objects.update(integer=0)

    @api.put("/row")
    @ROWS
    def change(request):
        locks_without_a_block(request)

    serve(api)
    tag = f'"{validator_of(row, "moment").tag}"'
    start = Barrier(16)

    def put(_):
        try:
            start.wait()
            return Client().put("/api/row", headers={"If-Match": tag}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(put, range(16)))
    assert statuses == [200] + [412] * 15
    assert Everything.objects.get().integer == 1
