"""The API: notes, which accept a token, an API key or a session."""

from notes.controllers import NoteController

from django_matt import MattAPI

__all__ = ["api"]

api = MattAPI(title="Notes", description="Sign in at `/`, then call the routes here.")
api.register_controllers(NoteController)
