"""Embedders: an endpoint as OpenAI's on a real server, and a model in a folder."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from django_matt.contrib.rag import exporting
from django_matt.contrib.rag.embedders import MiniLM, OpenAIEmbedder, load_embedders
from django_matt.contrib.rag.errors import EmbedderUnavailable
from django_matt.embeddings import Embeds


@contextmanager
def endpoint(answer: Callable[[Any], tuple[int, bytes]]) -> Iterator[tuple[str, list[Any]]]:
    """Serve ``answer(body)`` at ``/v1/embeddings``; yield the URL and the requests."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append((self.path, dict(self.headers), body))
            status, content = answer(body)
            self.send_response(status)
            if status == 307:
                self.send_header("Location", content.decode())
                content = b""
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def vectors(body: Any) -> tuple[int, bytes]:
    data = [
        {"object": "embedding", "index": number, "embedding": [float(len(text)), 1.0]}
        for number, text in enumerate(body["input"])
    ]
    return 200, json.dumps({"object": "list", "data": data[::-1]}).encode()


def test_an_endpoint_is_asked_once_for_many_texts_and_read_by_index():
    with endpoint(vectors) as (url, got):
        embedder = OpenAIEmbedder(url, model="small", dimensions=2, key="secret")
        assert isinstance(embedder, Embeds)
        assert embedder.embed(["a", "bbb"]) == [[1.0, 1.0], [3.0, 1.0]]
        assert embedder.embed_query("cc") == [2.0, 1.0]
        assert embedder.embed([]) == []
    (path, headers, body), _ = got
    assert path == "/v1/embeddings"
    assert headers["Authorization"] == "Bearer secret"
    assert body == {"model": "small", "input": ["a", "bbb"], "encoding_format": "float"}


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (401, b"no"),
        (200, b""),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, b'{"data": 7}'),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"index": 0, "embedding": ["x"]}]}'),
        (200, b"[" * 100_000),
        (307, b"http://127.0.0.1:9/elsewhere"),
    ],
)
def test_an_endpoint_that_does_not_answer_with_vectors_is_unavailable(answer: Any):
    with endpoint(lambda body: answer) as (url, _), pytest.raises(EmbedderUnavailable) as caught:
        OpenAIEmbedder(url, model="small", dimensions=2, key="secret").embed(["a"])
    assert "secret" not in str(caught.value)


def test_an_endpoint_that_is_away_or_silent_is_unavailable():
    with endpoint(vectors) as (url, _):
        pass
    with pytest.raises(EmbedderUnavailable):
        OpenAIEmbedder(url, model="small", dimensions=2).embed(["a"])
    release = threading.Event()

    def wait(body: Any) -> tuple[int, bytes]:
        release.wait()
        return 200, b"{}"

    with endpoint(wait) as (url, _):
        try:
            with pytest.raises(EmbedderUnavailable):
                OpenAIEmbedder(url, model="small", dimensions=2, timeout=0.2).embed(["a"])
        finally:
            release.set()


def test_an_endpoint_that_sends_a_byte_now_and_then_is_given_up():
    go_on = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not go_on.wait(0.05):
                    self.wfile.write(b" ")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        with pytest.raises(EmbedderUnavailable):
            OpenAIEmbedder(url, model="small", dimensions=2, timeout=0.5).embed(["a"])
    finally:
        go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_settings_that_make_no_embedder_are_reported_without_their_key(
    settings_module: Callable[..., None],
):
    backend = "django_matt.contrib.rag.embedders.OpenAIEmbedder"
    wrong = [
        {"BACKEND": backend, "OPTIONS": {"key": "secret-key"}},
        {"BACKEND": backend, "OPTIONS": {"url": "file:///etc", "model": "m", "dimensions": 2}},
        {"BACKEND": "no.such.Embedder"},
        {"BACKEND": "django_matt.contrib.rag.embedders.MiniLM", "OPTIONS": {"folder": "/missing"}},
        {"OPTIONS": {"key": "secret-key"}},
        "secret-key",
    ]
    for each in wrong:
        settings_module("MATT_RAG", {"EMBEDDER": each})
        with pytest.raises(ImproperlyConfigured) as caught:
            load_embedders()
        assert "secret-key" not in str(caught.value)


def test_a_model_whose_files_are_missing_names_the_command(tmp_path: Path):
    with pytest.raises(ImproperlyConfigured, match="matt_rag model export"):
        MiniLM(tmp_path)


def test_an_export_without_a_model_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "PACKAGE", "no_such_package")
    with pytest.raises(CommandError, match="--source"):
        call_command("matt_rag", "model", "export", str(tmp_path / "out"))
    (tmp_path / "model").mkdir()
    with pytest.raises(CommandError, match=r"config\.json"):
        call_command(
            "matt_rag", "model", "export", str(tmp_path / "out"), source=tmp_path / "model"
        )


def test_a_model_as_onnx_gives_vectors_of_length_1():
    """A table of 14 words, with the input and output of MiniLM, whose 22 MiB are not in the repository."""
    embedder = MiniLM(Path(__file__).with_name("small"), name="small")
    assert isinstance(embedder, Embeds)
    assert embedder.dimensions == 4
    made: Any = embedder.embed(["green tea", "tea", "green tea and a long text of many words"])
    assert made.shape == (3, 4)
    assert [round(float((each * each).sum()), 5) for each in made] == [1.0, 1.0, 1.0]
    # Alone or beside a longer text, a text has the same vector: what pads it does not count.
    alone: Any = embedder.embed_query("tea")
    assert abs(alone - made[1]).max() < 1e-6
    assert len(embedder.embed([])) == 0
