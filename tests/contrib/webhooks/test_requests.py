"""A request goes to a checked address, ends in time, follows nothing, and reads little, whatever the other side does."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from django_matt.contrib.webhooks import requests
from django_matt.contrib.webhooks.addresses import check_url, is_allowed
from django_matt.contrib.webhooks.requests import Outcome

from .receivers import receive

REFUSED = "The host has no address that webhooks may be sent to."
LATE = "There was no response in time."


def post(url: str, seconds: float = 20, body: bytes = b"{}") -> Outcome:
    return requests.post(url, {"webhook-id": "1"}, body, time.monotonic() + seconds)


@pytest.fixture
def public(settings: Any) -> None:
    """Allow what production allows: public addresses, by https."""
    settings.MATT_WEBHOOKS = settings.MATT_WEBHOOKS | {"PRIVATE_NETWORKS": []}


@contextmanager
def serve_raw(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection by a function, and return the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(20)
                with suppress(OSError):
                    answer(connection)
                ended.wait(20)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        ended.set()
        listening.close()
        thread.join()


# ---- what a URL may be ----


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "//example.com/", "example.com", ""),
        *("https://", "https:///x", "https:/example.com", "https://:443/", "javascript:alert(1)"),
        *("https://u@example.com/", "https://u:p@example.com/", "https://@example.com/"),
        *("https://example.com#@127.0.0.1/", "https://example.com/#x", "https://example.com\\@x/"),
        *("https://example.com:0/", "https://example.com:65536/", "https://example.com:x/"),
        *("https://exa mple.com/", "https://example.com/\r\nX: y", "https://example.com/\x00"),
        *(
            "https://exämple.com/",
            "https://ex%61mple.com/",
            "https://example..com/",
            "https://a,b/",
        ),
        *("https://127.0.0.1/", "https://0.0.0.0/", "https://0/", "https://127.1/", "https://1.1/"),
        *("https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/"),
        *("https://127.0.0.1./", "https://10.0.0.7/", "https://169.254.169.254/latest/meta-data"),
        *(
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a00:1]/",
        ),
        *("https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::1", "https://[x]/"),
        *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fd00:ec2::254]/"),
        "https://" + "a" * 64 + ".example/",
        "https://example.com/" + "a" * 1_000,
    ],
)
def test_these_urls_are_refused(public, url):
    with pytest.raises(ValueError, match=r"."):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://example.com",
            "HTTPS://Example.COM:8443/a/b?c=d&e=%20",
            "https://xn--exmple-cua.com/",
        ),
        *("https://93.184.215.14/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/x"),
        *("https://a_b.example.com./", "https://localhost/", "https://64.com/", "https://a.0xyz/"),
    ],
)
def test_these_urls_are_accepted(public, url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
        ),
        *(
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.192",
            "192.0.2.1",
        ),
        *(
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
        ),
        *("240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1"),
        *(
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "5f00::1",
        ),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1"),
    ],
)
def test_these_addresses_are_refused(public, address):
    assert not is_allowed(address, "https")


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_accepted_by_https_alone(public, address):
    assert is_allowed(address, "https")
    assert not is_allowed(address, "http")


def test_named_private_networks_are_accepted_and_others_are_not(settings):
    settings.MATT_WEBHOOKS = {"PRIVATE_NETWORKS": ["10.1.0.0/16", "fd00::/8"]}
    assert is_allowed("10.1.2.3", "http")
    assert is_allowed("::ffff:10.1.2.3", "http")
    assert is_allowed("fd00::1", "https")
    assert not is_allowed("10.2.0.1", "https")
    assert check_url("http://example.com/")
    assert not is_allowed("1.1.1.1", "http")


# ---- where a request goes ----


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]", "0.0.0.0"),
    ],
)
def test_no_way_to_write_a_private_address_is_connected_to(public, receiver, host):
    port = receiver.url.split(":")[2]
    for scheme in ("http", "https"):
        assert post(f"{scheme}://{host}:{port}").reason == REFUSED
    assert receiver.got == []


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Answer each lookup with the next addresses; return the names that were looked up."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [
            (
                socket.AF_INET6 if ":" in each else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(monkeypatch, receiver):
    port = int(receiver.url.split(":")[2].split("/")[0])
    asked = resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    assert post(f"http://rebind.example:{port}/hook").is_success
    assert asked == ["rebind.example"]
    assert receiver.got[0].headers["host"] == f"rebind.example:{port}"


@pytest.mark.parametrize("found", [["1.1.1.1", "127.0.0.1"], ["::1", "1.1.1.1"], ["10.0.0.1"], []])
def test_one_private_address_among_others_refuses_the_host(public, monkeypatch, receiver, found):
    resolver(monkeypatch, found)
    assert post("https://mixed.example/").reason == REFUSED


def test_a_second_address_is_tried_if_the_first_refuses(monkeypatch, receiver, settings):
    settings.MATT_WEBHOOKS = {"PRIVATE_NETWORKS": ["127.0.0.0/8"]}
    port = int(receiver.url.split(":")[2].split("/")[0])
    resolver(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    assert post(f"http://two.example:{port}/").is_success


def test_a_lookup_that_does_not_end_ends_in_time(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20) and [])
    assert post("http://slow.example/", seconds=0.2).reason == LATE
    ended.set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver, status):
    with receive() as inside:
        receiver.status, receiver.headers = status, {"Location": inside.url}
        assert post(receiver.url) == Outcome(status, f"The response has the status {status}.")
        assert inside.got == []


# ---- servers that misbehave ----


def drip(connection: socket.socket, first: bytes, each: bytes, pause: float = 0.05) -> None:
    connection.recv(65_536)
    connection.sendall(first)
    while True:
        connection.sendall(each)
        time.sleep(pause)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nA: "])
def test_a_server_that_sends_a_byte_now_and_then_is_left_in_time(first):
    with serve_raw(lambda connection: drip(connection, first, b"x")) as port:
        assert post(f"http://127.0.0.1:{port}/", seconds=0.6).reason == LATE


def test_a_server_that_sends_its_body_byte_by_byte_has_accepted():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with serve_raw(lambda connection: drip(connection, head, b"x")) as port:
        assert post(f"http://127.0.0.1:{port}/", seconds=0.6) == Outcome(200)


def test_a_server_that_says_nothing_is_left_in_time():
    with serve_raw(lambda connection: None) as port:
        assert post(f"http://127.0.0.1:{port}/", seconds=0.3).reason == LATE


def test_a_server_that_does_not_read_is_left_in_time():
    with serve_raw(lambda connection: None) as port:
        found = post(f"http://127.0.0.1:{port}/", seconds=0.5, body=b"x" * 30_000_000)
        assert found.reason == LATE


def test_a_server_that_ignores_tls_is_left_in_time():
    with serve_raw(lambda connection: None) as port:
        assert post(f"https://127.0.0.1:{port}/", seconds=0.3).reason == LATE


@pytest.mark.parametrize("length", [b"", b"Content-Length: 10737418240\r\n"])
def test_an_endless_response_is_left_after_its_beginning(length):
    sent = [0]

    def flood(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while sent[0] < 200_000_000:
            sent[0] += connection.send(b"x" * 65_536)

    with serve_raw(flood) as port:
        assert post(f"http://127.0.0.1:{port}/") == Outcome(200)
    # What the buffers of the system hold, and no more.
    assert sent[0] < 50_000_000


@pytest.mark.parametrize(
    ("endless", "reason"),
    [
        (b"X-Y: " + b"z" * 1_000 + b"\r\n", "The response has too many headers."),
        (b"x" * 10_000, "The response has too many headers."),
    ],
)
def test_endless_headers_are_left(endless, reason):
    head = b"HTTP/1.1 200 OK\r\n"
    with serve_raw(lambda connection: drip(connection, head, endless, 0)) as port:
        assert post(f"http://127.0.0.1:{port}/").reason == reason


def test_endless_interim_responses_are_left_in_time():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with serve_raw(lambda connection: drip(connection, b"", interim, 0.01)) as port:
        assert post(f"http://127.0.0.1:{port}/", seconds=0.5).reason == LATE


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 OK\r\n\r\n", Outcome(202)),
        (b"HTTP/1.0 200\r\n\r\n", Outcome(200)),
        (b"HTTP/1.1 204 No Content\n\n", Outcome(204)),
        (
            b"HTTP/1.1 503 No\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n",
            Outcome(503, "The response has the status 503.", 7),
        ),
        (
            b"HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2999 23:59:59 GMT\r\n\r\n",
            Outcome(503, "The response has the status 503."),
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Outcome(None, "The response is not HTTP.")),
        (b"HTTP/2 200\r\n\r\n", Outcome(None, "The response is not HTTP.")),
        (b"HTTP/1.1 0200 OK\r\n\r\n", Outcome(None, "The response is not HTTP.")),
        (b"HTTP/1.1 200 OK", Outcome(None, "The connection was closed without a response.")),
        (b"", Outcome(None, "The connection was closed without a response.")),
    ],
)
def test_responses_are_read_as_http_says(response, expected):
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    with serve_raw(answer) as port:
        assert post(f"http://127.0.0.1:{port}/") == expected


def test_a_response_before_the_body_was_read_counts():
    def answer(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1_000_000):
            pass

    with serve_raw(answer) as port:
        assert post(f"http://127.0.0.1:{port}/", body=b"x" * 5_000_000).status == 413


def test_a_port_that_nobody_serves_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}/").reason.startswith("The connection failed: ")


# ---- TLS ----


def certify(folder: Path, name: str, address: str) -> Path:
    """Write a key and a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """Return the context of a server, whose certificate the sender trusts."""
    path = certify(tmp_path, "hooks.example", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    requests._context.cache_clear()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    yield made
    requests._context.cache_clear()


def test_the_certificate_must_be_of_the_host_of_the_url(tls, monkeypatch):
    with receive(tls=tls) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        assert post(receiver.url).is_success
        resolver(monkeypatch, ["127.0.0.1"])
        assert post(f"https://hooks.example:{port}/").is_success
        found = post(f"https://others.example:{port}/")
        assert found.reason.startswith("The certificate is not accepted: Hostname mismatch")
        assert len(receiver.got) == 2


def test_a_certificate_that_nobody_trusts_is_refused(tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    requests._context.cache_clear()
    with receive(tls=tls) as receiver:
        assert post(receiver.url).reason.startswith("The certificate is not accepted: self")
        assert receiver.got == []
