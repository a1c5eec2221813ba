"""Notes: the same project after the swap."""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application

settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-this-example-never-for-a-server-that-others-reach",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.staticfiles", "ninja_extra", "django_matt"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    STATIC_URL="static/",
    USE_TZ=True,
)
application = get_wsgi_application()

from django.urls import path  # noqa: E402
from ninja.security import HttpBearer  # noqa: E402
from ninja_extra.exceptions import NotFound  # noqa: E402

from django_matt import (  # noqa: E402
    ControllerBase,
    MattAPI,
    PageNumberPaginationExtra,
    PaginatedResponseSchema,
    Schema,
    api_controller,
    http_delete,
    http_get,
    http_patch,
    http_post,
    paginate,
)


class NoteIn(Schema):
    title: str
    pinned: bool = False


class NoteOut(NoteIn):
    id: int


class Changes(Schema):
    title: str | None = None
    pinned: bool | None = None


class OneToken(HttpBearer):
    def authenticate(self, request, token):
        return "ada" if token == "demo" else None


class Notes:
    """The notes, in memory."""

    def __init__(self):
        self.rows = {n: {"id": n, "title": f"Note {n}", "pinned": n == 1} for n in range(1, 8)}

    def find(self, note_id):
        if note_id not in self.rows:
            raise NotFound(f"There is no note {note_id}.")
        return self.rows[note_id]


notes = Notes()


@api_controller("/notes", tags=["notes"])
class NoteController(ControllerBase):
    @http_get("", response=PaginatedResponseSchema[NoteOut])
    @paginate(PageNumberPaginationExtra, page_size=3)
    def list_notes(self):
        return list(notes.rows.values())

    @http_get("/{int:note_id}", response=NoteOut)
    def get_note(self, note_id: int):
        return notes.find(note_id)

    @http_post("", response={201: NoteOut}, auth=OneToken())
    def create_note(self, data: NoteIn):
        note = {"id": max(notes.rows) + 1, **data.dict()}
        notes.rows[note["id"]] = note
        return 201, note

    @http_patch("/{int:note_id}", response=NoteOut, auth=OneToken())
    def change_note(self, note_id: int, changes: Changes):
        note = notes.find(note_id)
        note.update(changes.dict(exclude_unset=True))
        return note

    @http_delete("/{int:note_id}", response={204: None}, auth=OneToken())
    def delete_note(self, note_id: int):
        notes.rows.pop(notes.find(note_id)["id"])
        return 204, None


api = MattAPI(title="Notes")
api.register_controllers(NoteController)


@api.get("/hello")
async def hello(request, name: str = "world"):
    return {"hello": name}


urlpatterns = [path("api/", api.urls)]

if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000"
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", address])
