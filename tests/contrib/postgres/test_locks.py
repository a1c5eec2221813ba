"""A name is held by one transaction at a time."""

import threading

import pytest
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from django_matt.contrib.postgres.locks import advisory_lock
from tests.project.models import Author

from .conftest import postgres

pytestmark = [postgres, pytest.mark.django_db(transaction=True)]


def test_sixteen_threads_that_read_and_write_lose_nothing():
    key = Author.objects.create(name="0").pk
    failures: list[BaseException] = []
    start = threading.Barrier(16)

    def work() -> None:
        try:
            start.wait(60)
            for _ in range(5):
                with transaction.atomic():
                    advisory_lock("counter")
                    author = Author.objects.get(pk=key)
                    author.name = str(int(author.name) + 1)
                    author.save()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert Author.objects.get().name == "80"


def test_without_waiting_it_says_whether_the_name_was_free():
    answers: list[bool] = []

    def ask(name: str) -> None:
        with transaction.atomic():
            answers.append(advisory_lock(name, wait=False))
        connections.close_all()

    def ask_in_thread(name: str) -> bool:
        thread = threading.Thread(target=ask, args=[name])
        thread.start()
        thread.join()
        return answers.pop()

    with transaction.atomic():
        assert advisory_lock("a") is True
        assert advisory_lock("a", wait=False) is True
        assert ask_in_thread("a") is False
        assert ask_in_thread("b") is True
    assert ask_in_thread("a") is True


def test_outside_of_a_transaction_it_is_refused():
    with pytest.raises(TransactionManagementError):
        advisory_lock("a")
