"""The routes of notes."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja_extra import api_controller, http_delete, http_get, http_post

from django_matt import ModelSchema
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.idempotency.decorators import idempotent
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.step_up import RequiresRecent
from notes.models import Note

__all__ = ["NoteController"]

SIGNED_IN = AnyOf(TokenAuth(), ApiKeyAuth(), SessionAuthenticator())
"""Accepts a token of a front end elsewhere, the key of a program, or the session of a page of this site."""


class NoteIn(ModelSchema):
    """What a client sends."""

    class Meta:
        model = Note
        fields = ["text"]


class NoteOut(ModelSchema):
    """What a client gets."""

    class Meta:
        model = Note
        fields = ["id", "text", "created"]


@api_controller("/notes", tags=["notes"], auth=SIGNED_IN)
class NoteController:
    """The notes of who is signed in."""

    @http_get("", response=list[NoteOut])
    def list_notes(self, request: HttpRequest) -> QuerySet[Note]:
        """Return your notes, the newest first."""
        return Note.objects.filter(owner=request.user.pk).order_by("-id")

    @http_post("", response={201: NoteOut})
    @idempotent()
    def write_note(self, request: HttpRequest, note: NoteIn) -> tuple[int, Note]:
        """Write a note. With the header `Idempotency-Key` you can repeat the request safely."""
        return 201, Note.objects.create(owner_id=request.user.pk, text=note.text)

    @http_delete("", permissions=[RequiresRecent(minutes=5)])
    def delete_all_notes(self, request: HttpRequest) -> dict[str, Any]:
        """Delete all of your notes. You must have signed in within the last five minutes."""
        deleted, _ = Note.objects.filter(owner=request.user.pk).delete()
        return {"deleted": deleted}
