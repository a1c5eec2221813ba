"""Signs users up, and greets them in the background."""

import time
from importlib import import_module
from pathlib import Path
from uuid import UUID

import django
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import path

from django_matt import MattAPI
from django_matt.errors.exceptions import Conflict, NotFound

tasks = import_module("django.tasks" if django.VERSION >= (6, 0) else "django_tasks")
exceptions = import_module(f"{tasks.__name__}.exceptions")
api = MattAPI(title="Greetings")


@tasks.task
def greet(number: int) -> str:
    user = User.objects.get(pk=number)
    if user.username == "mallory":
        raise RuntimeError("No greetings.")
    User.objects.filter(pk=number).update(first_name="Hello")
    return user.username


@api.post("/users/{name}")
def sign_up(request, name: str, fails: bool = False, wait_for: str = ""):
    with transaction.atomic():
        user = User.objects.create(username=name)
        result = greet.enqueue(user.pk)
        if wait_for:
            Path(wait_for).with_suffix(".task").write_text(str(result.id))
            while not Path(wait_for).exists():
                time.sleep(0.02)
        if fails:
            raise Conflict(str(result.id))
    return {"task": str(result.id)}


@api.get("/tasks/{number}")
def show_task(request, number: UUID):
    try:
        result = greet.get_result(str(number))
    except exceptions.TaskResultDoesNotExist:
        raise NotFound from None
    errors = [error.exception_class_path for error in result.errors]
    return {"status": str(result.status.value), "errors": errors}


@api.get("/users/{name}")
def show_user(request, name: str):
    return {"greeting": User.objects.get(username=name).first_name}


urlpatterns = [path("api/", api.urls)]
