"""A process that reads a number through the cache, in threads, while it and others write the number.

``python -m tests.e2e.caching.racing SLOT`` prints how many answers were older than a write that was answered before they were
asked for. The database, the cache and the scheme are in the environment; the processes share a file of what was answered.
"""

import json
import mmap
import os
import random
import signal
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.caching",
        ],
        DATABASES={"default": json.loads(os.environ["RACE_DATABASE"])},
        CACHES={"default": json.loads(os.environ["RACE_CACHE"])},
        MATT_CACHING={"STRICT": bool(os.environ.get("RACE_STRICT")), "TIMEOUT": 5.0},
    )
    django.setup()

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.db.models import CharField, IntegerField
from django.db.models.functions import Cast
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from django_matt import MattAPI
from django_matt.contrib.caching import cached, writes

SCHEME = os.environ.get("RACE_SCHEME", "tokens")
SLOTS = 8

api = MattAPI()


def number() -> int:
    """Return the stored number, with pauses in which others can write."""
    time.sleep(random.random() / 1_000)
    found = int(Group.objects.get(pk=1).name)
    time.sleep(random.random() / 1_000)
    return found


@api.get("/tokens")
@cached(seconds=60)
def read_by_tokens(request: HttpRequest) -> int:
    return number()


@api.get("/short")
@cached(seconds=1)
def read_shortly(request: HttpRequest) -> int:
    return number()


@api.get("/signals")
def read_by_signals(request: HttpRequest) -> int:
    """Do what is usual: keep the answer until ``post_save`` deletes it."""
    found = cache.get("number")
    if found is None:
        found = number()
        cache.set("number", found, 60)
    return int(found)


@api.post("/bump")
def bump(request: HttpRequest) -> int:
    with transaction.atomic():
        group = Group.objects.select_for_update().get(pk=1)
        group.name = str(int(group.name) + 1)
        group.save()
        time.sleep(random.random() / 1_000)
    return int(group.name)


def forget(**_: Any) -> None:
    cache.delete("number")


if SCHEME == "signals":
    post_save.connect(forget, sender=Group)

urlpatterns = [path("api/", api.urls)]


def race(slot: int, reads: int) -> dict[str, int]:
    """Read and write; return how many answers there were, and how many were too old."""
    answered = mmap.mmap(os.open(os.environ["RACE_FILE"], os.O_RDWR), SLOTS * 8).__enter__()
    found = {"reads": 0, "older": 0, "views": 0, "writes": 0}
    done = Event()

    def floor() -> int:
        return max(int.from_bytes(answered[at : at + 8], "big") for at in range(0, SLOTS * 8, 8))

    def write() -> None:
        client = Client()
        while not done.is_set():
            response = client.post("/api/bump")
            assert response.status_code == 200, response.content
            answered[slot * 8 : slot * 8 + 8] = response.json().to_bytes(8, "big")
            found["writes"] += 1
            time.sleep(random.random() / 100)
        connections.close_all()

    def read() -> None:
        client = Client()
        for _ in range(reads // 4):
            least = floor()
            response = client.get(f"/api/{SCHEME}")
            assert response.status_code == 200, response.content
            found["reads"] += 1
            found["older"] += response.json() < least
            found["views"] += "Age" not in response.headers
        connections.close_all()

    readers = [Thread(target=read) for _ in range(4)]
    writer = Thread(target=write)
    for each in (*readers, writer):
        each.start()
    for each in readers:
        each.join()
    done.set()
    writer.join()
    return found


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def write_and_die() -> None:
    """Write the number, and die after the commit, before the tokens are renewed: that comes first of what is done then."""
    writes.renew = die  # type: ignore[assignment]
    with transaction.atomic():
        transaction.on_commit(die)
        Group.objects.filter(pk=1).update(name=Cast(Cast("name", IntegerField()) + 1, CharField()))


def read_for_ever() -> None:
    """Answer each line of the input, which is a path, with the number, and whether it was stored."""
    client = Client()
    for line in sys.stdin:
        if line.startswith("forget "):
            cache.delete(line.split()[1])
            say(None)
            continue
        response = client.get(f"/api/{line.strip()}")
        say([response.json(), "Age" in response.headers])


def kill_for_ever() -> None:
    """For each line of the input, write in a process that dies."""
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            write_and_die()
            os._exit(1)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "create":
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE auth_group (id integer PRIMARY KEY, name varchar(150))")
        Group.objects.create(pk=1, name="0")
        Path(os.environ["RACE_FILE"]).write_bytes(bytes(SLOTS * 8))
    elif verb == "race":
        say(race(int(arguments[0]), int(arguments[1])))
    else:
        {"read": read_for_ever, "kill": kill_for_ever}[verb]()
