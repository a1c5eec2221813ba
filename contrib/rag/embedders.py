"""What makes vectors of texts: a model on this machine, an endpoint that is compatible with OpenAI's, or a class of the project."""

import hashlib
import json
import math
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_matt.contrib.rag.errors import EmbedderUnavailable
from django_matt.contrib.rag.settings import get_settings
from django_matt.embeddings import Embeds
from django_matt.errors.exceptions import MissingExtra

__all__ = ["HashEmbedder", "MiniLM", "OpenAIEmbedder", "load_embedders"]

_MAX_BODY, _PART = 64 * 1024 * 1024, 65_536


class MiniLM:
    """all-MiniLM-L6-v2 or another BERT as ONNX, on the processor: 384 dimensions, English, 256 tokens.

    ``folder`` has ``model.onnx`` and ``tokenizer.json``, as ``manage.py matt_rag model export`` writes them. Needs the
    extra ``embeddings``. It is loaded at the first use, and nothing is ever downloaded.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str = "minilm-l6-v2-int8",
        max_tokens: int = 256,
        threads: int = 1,
    ) -> None:
        """Look for the files; raise ``ImproperlyConfigured`` if one is missing."""
        self.folder = Path(folder)
        self.name = name
        self._max_tokens, self._threads = max_tokens, threads
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None
        for file in ("model.onnx", "tokenizer.json"):
            if not (self.folder / file).is_file():
                raise ImproperlyConfigured(
                    f"MiniLM needs {self.folder / file}: write it by manage.py matt_rag model export {self.folder}"
                )

    @property
    def dimensions(self) -> int:
        """The length of each vector, as the model has it."""
        session, _ = self._load()
        return int(session.get_outputs()[0].shape[-1])

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the means of the tokens' vectors, of length 1."""
        if not texts:
            return []
        session, tokenizer = self._load()
        import numpy as np

        encoded = tokenizer.encode_batch(list(texts))
        ids = np.array([each.ids for each in encoded], dtype=np.int64)
        mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {each.name for each in session.get_inputs()}
        states = session.run(None, {k: v for k, v in given.items() if k in wanted})[0]
        weights = mask[..., None].astype(np.float32)
        means = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
        return cast("Sequence[Sequence[float]]", means / lengths)

    def embed_query(self, text: str) -> Sequence[float]:
        """Do the same for a question."""
        return self.embed([text])[0]

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                try:
                    import onnxruntime  # type: ignore[import-untyped]
                    import tokenizers

                    import_string("numpy.ndarray")
                except ImportError as error:
                    raise MissingExtra(error.name or "onnxruntime", "embeddings") from error
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads
                session = onnxruntime.InferenceSession(
                    str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
                )
                tokenizer = tokenizers.Tokenizer.from_file(str(self.folder / "tokenizer.json"))
                tokenizer.enable_truncation(max_length=self._max_tokens)
                tokenizer.enable_padding()
                self._loaded = session, tokenizer
            return self._loaded


class OpenAIEmbedder:
    """The endpoint ``{url}/embeddings`` of OpenAI or of a server that is compatible, such as vLLM, Ollama, TEI or llama.cpp."""

    def __init__(
        self, url: str, *, model: str, dimensions: int, key: str = "", timeout: float | None = None
    ) -> None:
        """Take the URL up to ``/v1``, and the key that is sent as a bearer token."""
        if not url.startswith(("http://", "https://")):
            raise ImproperlyConfigured(
                "The url of OpenAIEmbedder must begin with https:// or http://."
            )
        self._url = f"{url.rstrip('/')}/embeddings"
        self.name, self.dimensions = model, dimensions
        self._model, self._key, self._timeout = model, key, timeout

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the vectors; raise ``EmbedderUnavailable`` if the endpoint does not answer with them in time."""
        if not texts:
            return []
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self._url, json.dumps(body).encode(), headers
        )
        timeout = self._timeout or get_settings().TIMEOUT
        deadline, parts, size = time.monotonic() + timeout, [], 0
        try:
            with _OPENER.open(request, timeout=timeout) as response:
                while part := response.read1(_PART):
                    parts.append(part)
                    size += len(part)
                    # The timeout is that of each read: an endpoint could send a byte now and then.
                    if time.monotonic() > deadline or size > _MAX_BODY:
                        raise EmbedderUnavailable
        except urllib.error.HTTPError as error:
            error.close()
            raise EmbedderUnavailable(
                f"The embedder answers with the status {error.code}."
            ) from None
        except (OSError, HTTPException) as error:
            raise EmbedderUnavailable from error
        return self._read(b"".join(parts), len(texts))

    def embed_query(self, text: str) -> Sequence[float]:
        """Do the same for a question."""
        return self.embed([text])[0]

    def _read(self, answer: bytes, count: int) -> list[list[float]]:
        try:
            items = json.loads(answer)["data"]
            # The order is that of "index", which the specification does not promise to be the order of the list.
            found = {
                each["index"]: [float(number) for number in each["embedding"]] for each in items
            }
            vectors = [found[number] for number in range(count)]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise EmbedderUnavailable("The embedder does not answer with vectors.") from None
        return vectors


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key must not follow a redirect to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class HashEmbedder:
    """For tests alone: words are hashed into dimensions, so texts are near if they share words. It understands nothing."""

    def __init__(self, *, name: str = "hash", dimensions: int = 64) -> None:
        """Take a name, so that a test can have two."""
        self.name, self.dimensions = name, dimensions

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector of length 1 for each text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Sequence[float]:
        """Do the same for a question."""
        found = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()) or [text]:
            digest = hashlib.sha256(f"{self.name} {word}".encode()).digest()
            found[int.from_bytes(digest[:4]) % self.dimensions] += 1.0
        length = math.sqrt(sum(each * each for each in found)) or 1.0
        return [each / length for each in found]


def load_embedders() -> list[Embeds]:
    """Return the embedder of the settings, and the former one; raise ``ImproperlyConfigured`` if one cannot be made."""
    options = get_settings()
    found = [("EMBEDDER", options.EMBEDDER), ("FORMER_EMBEDDER", options.FORMER_EMBEDDER)]
    return [_make(name, _freeze(value)) for name, value in found if value is not None]


def _freeze(value: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    return value["BACKEND"], tuple(sorted(value.get("OPTIONS", {}).items()))


@lru_cache(maxsize=8)
def _make(name: str, spec: tuple[str, tuple[tuple[str, Any], ...]]) -> Embeds:
    backend, options = spec
    try:
        return cast("Embeds", import_string(backend)(**dict(options)))
    except (ImportError, TypeError) as error:
        # Not the options: one may be a key.
        raise ImproperlyConfigured(
            f'settings.MATT_RAG["{name}"]: {backend} cannot be made: {error}'
        ) from None


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "MATT_RAG":
        _make.cache_clear()


setting_changed.connect(_forget)
