"""What goes wrong with sources, embedders and models."""

from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent

__all__ = ["EmbedderUnavailable", "ModelTimeout", "ModelUnavailable", "UnreadableSource"]


class UnreadableSource(UnprocessableContent):
    """A source that is not text: empty, binary, of another encoding than UTF-8, or too large."""

    default_code = "unreadable_source"


class EmbedderUnavailable(ServiceUnavailable):
    """The embedder does not answer, or not with vectors."""

    default_detail = "The embedder is unavailable; try again soon."
    default_code = "embedder_unavailable"


class ModelUnavailable(ServiceUnavailable):
    """The language model does not answer."""

    default_detail = "The language model is unavailable; try again soon."
    default_code = "model_unavailable"


class ModelTimeout(ServiceUnavailable):
    """The language model has not answered in time."""

    status_code = 504
    default_detail = "The language model has not answered in time."
    default_code = "model_timeout"
