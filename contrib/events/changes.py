"""Publishes the changes of models by signals."""

from functools import partial
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save

from django_matt.contrib.events.services import store_event
from django_matt.contrib.events.triggers import triggered_models

__all__ = ["publish_changes", "published"]

published: set[type[Model]] = set()
"""The models whose changes are published in this process."""

_M2M_ACTIONS = {"post_add", "post_remove", "pre_clear"}


def publish_changes(model: type[Model]) -> str:
    """Publish the changes of a model from now on, and return their topic, ``<app_label>.<model_name>``.

    Each event has the primary key as its ``key``, and the data ``{"verb": "created" | "changed" | "deleted"}``. It is
    published in the transaction of the change; outside of one, right after it. Django sends no signals for
    ``update()``, ``bulk_create()``, ``bulk_update()`` and raw SQL, and fixtures are left out; the triggers of the models in
    ``MATT_EVENTS["TRIGGERS"]``, which take the place of the signals, see all of them.
    """
    options = model._meta
    longest = getattr(options.pk, "max_length", None)
    if longest is not None and longest > 200:
        raise ImproperlyConfigured(
            f"The changes of {options.label} cannot be published: its primary key has more than 200 characters."
        )
    topic = options.label_lower
    published.add(model)
    if model in triggered_models():
        return topic
    for each in apps.get_models():
        if issubclass(each, model):
            uid = f"matt_events {topic} {each._meta.label_lower}"
            saved = partial(_saved, topic)
            post_save.connect(saved, sender=each, weak=False, dispatch_uid=uid)
            if each._meta.concrete_model is options.concrete_model:
                # For a child, Django sends the signal of the parent too.
                deleted = partial(_deleted, topic)
                post_delete.connect(deleted, sender=each, weak=False, dispatch_uid=uid)
    for field in options.many_to_many:
        through: Any = field.remote_field.through
        related = partial(_related, topic, field)
        uid = f"matt_events {topic} {field.name}"
        m2m_changed.connect(related, sender=through, weak=False, dispatch_uid=uid)
    return topic


def _store(topic: str, verb: str, key: object) -> None:
    store_event(topic, f'{{"verb": "{verb}"}}', key=str(key), tenant="", autocommit=True)


def _saved(topic: str, instance: Model, created: bool, raw: bool, **_: Any) -> None:
    if not raw:
        _store(topic, "created" if created else "changed", instance.pk)


def _deleted(topic: str, instance: Model, **_: Any) -> None:
    _store(topic, "deleted", instance.pk)


def _related(
    topic: str,
    field: Any,
    *,
    sender: Any,
    instance: Model,
    action: str,
    reverse: bool,
    pk_set: set[Any] | None,
    using: str,
    **_: Any,
) -> None:
    if action not in _M2M_ACTIONS:
        return
    if not reverse:
        keys = {instance.pk} if pk_set is None or pk_set else set()
    elif pk_set is None:
        rows = sender._default_manager.using(using)
        mine = rows.filter(**{f"{field.m2m_reverse_field_name()}": instance.pk})
        keys = set(mine.values_list(field.m2m_field_name(), flat=True))
    else:
        keys = pk_set
    for key in sorted(keys, key=str):
        _store(topic, "changed", key)
