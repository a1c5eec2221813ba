"""Streamed responses, whose bytes and queries are counted when the last part is sent or the client has left."""

from django_matt.contrib.observability.observations import Observation, current
from django_matt.watched_streams import StreamEnd

__all__ = ["StreamedObservation"]


class StreamedObservation:
    """The observation of a request, until its stream ends."""

    def __init__(self, observation: Observation) -> None:
        """Take the observation."""
        self._observation: Observation | None = observation

    def enter(self) -> Observation | None:
        """Observe the queries of the next part; return what was observed before, for ``leave``."""
        before = current.get()
        current.set(self._observation)
        return before

    @staticmethod
    def leave(before: Observation | None) -> None:
        """Restore what ``enter`` has returned."""
        current.set(before)

    def end(self, size: int, ended: StreamEnd | None = None) -> None:
        """Count what the stream has needed; the first call counts."""
        observation, self._observation = self._observation, None
        if observation is None:
            return
        observation.series.add(observation.queries, observation.query_seconds, size)
        if observation.detail is not None:
            observation.detail.size = size
            observation.detail.ended = ended or ""
