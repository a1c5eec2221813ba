"""Why a model gives no answer: too many requests, too slow, not loaded, or a file that it may not read."""

# ruff: noqa: N818 - named after what they answer, as the exceptions of the core are

from math import ceil
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from django_matt.errors.exceptions import MattError, NotFound, Problem, ServiceUnavailable

__all__ = [
    "DeadlineExceeded",
    "FileRefused",
    "ModelLoading",
    "ModelUnavailable",
    "Overloaded",
    "RemoteFailed",
    "ReplicaClosed",
    "UnknownModel",
]


class Overloaded(ServiceUnavailable):
    """The request would wait longer than ``Batch.queue_seconds``."""

    default_detail = "The model has more requests than it can answer; try again soon."
    default_code = "overloaded"

    def __init__(self, excess: float = 0.0) -> None:
        """Take how many seconds too long the request would wait."""
        super().__init__(headers={"Retry-After": str(max(1, ceil(excess)))})


class DeadlineExceeded(Problem):
    """The answer was not ready within ``Batch.deadline``."""

    status_code = 504
    default_detail = "The model did not answer in time."
    default_code = "deadline_exceeded"


class ModelLoading(ServiceUnavailable):
    """The model is being loaded."""

    default_detail = "The model is being loaded; try again soon."
    default_code = "model_loading"


class ModelUnavailable(ServiceUnavailable):
    """The threads of the model hang or have ended, or it could not be loaded."""

    default_detail = "The model does not work at present."
    default_code = "model_unavailable"

    def __init__(self, detail: Any = None) -> None:
        """Let clients wait longer: this does not pass by itself."""
        super().__init__(detail, headers={"Retry-After": "30"})


class UnknownModel(NotFound):
    """There is no model of this name, or no version of it that is loaded."""

    default_detail = "There is no such model, or no such version of it."
    default_code = "unknown_model"


class RemoteFailed(Problem):
    """Another inference server has refused a request, or returned what cannot be read."""

    status_code = 502
    default_detail = "The inference server did not return a valid answer."
    default_code = "remote_failed"


class ReplicaClosed(MattError):
    """The version has been replaced meanwhile; the caller asks the new one."""


class FileRefused(MattError, ImproperlyConfigured):
    """The file of a model is missing, has changed, or could run code; the message names its path."""
