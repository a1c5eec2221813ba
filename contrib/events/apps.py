"""The app's configuration, which is an event log for other apps too."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models import Model
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from django_matt.event_log import LoggedEvent

__all__ = ["EventsConfig"]


class EventsConfig(AppConfig):
    """Add ``"django_matt.contrib.events"`` to ``INSTALLED_APPS``. See ``django_matt.event_log.EventLog``."""

    name = "django_matt.contrib.events"
    label = "matt_events"
    verbose_name = "Django Matt: events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, let ``migrate`` write triggers, and import the module ``consumers`` of each app."""
        from django_matt.contrib.events import checks
        from django_matt.contrib.events.triggers import write_triggers

        for check in (checks.check_settings, checks.check_database, checks.check_versions):
            register(check, "matt")
        register(checks.check_triggers, Tags.database)
        post_migrate.connect(write_triggers, sender=self, dispatch_uid="matt_events triggers")
        autodiscover_modules("consumers")

    def extend(self, api: Any) -> None:
        """Serve the AsyncAPI document of the events, unless it is turned off; tell ``publish`` the tenant of a request."""
        from django_matt.contrib.events.documents import open_document
        from django_matt.contrib.events.settings import get_settings
        from django_matt.contrib.events.tenancies import RemembersRequest
        from django_matt.sign_in import ResolvesTenant, installed

        if get_settings().ASYNCAPI:
            open_document(api)
        if any(installed(ResolvesTenant)):
            api.add_hook(RemembersRequest)

    def lifespan(self) -> AbstractAsyncContextManager[object]:
        """Run a relay while the server runs, unless ``MATT_EVENTS["RELAY"]`` is false."""
        from django_matt.contrib.events.relays import relay_lifespan
        from django_matt.contrib.events.settings import get_settings

        return relay_lifespan() if get_settings().RELAY else nullcontext()

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete old events; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.events.pruning import prune

        return prune(dry_run=dry_run)

    def first_position(self) -> int:
        """Return the position of the oldest event that is still stored."""
        from django_matt.contrib.events import services

        return services.first_position()

    def last_position(self) -> int:
        """Return the position of the newest event; 0 if there was none."""
        from django_matt.contrib.events import services

        return services.last_position()

    def read_events(
        self, after: int, *, topics: Sequence[str] = (), limit: int = 1000
    ) -> list[LoggedEvent]:
        """Return the events after a position, in order."""
        from django_matt.contrib.events import services

        return services.read_events(after, topics=topics, limit=limit)

    def positions(self) -> AsyncIterator[int]:
        """Yield the last position at the start and whenever it is another one."""
        from django_matt.contrib.events import wakes

        return wakes.positions()

    def publish_changes(self, model: type[Model]) -> str:
        """Publish the changes of a model from now on, and return their topic."""
        from django_matt.contrib.events import changes

        return changes.publish_changes(model)

    def publishes_changes(self, model: type[Model]) -> bool:
        """Return whether the changes of a model are published in this process."""
        from django_matt.contrib.events import changes, triggers

        return model in changes.published or model in triggers.triggered_models()

    def knows_topic(self, topic: str) -> bool:
        """Return whether a schema has the topic, or a model whose changes are published."""
        from django_matt.contrib.events import changes, schemas, triggers

        models = changes.published.union(triggers.triggered_models())
        labels = (model._meta.label_lower for model in models)
        return schemas.find_schema(topic) is not None or topic in labels
