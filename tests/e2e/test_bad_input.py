"""Hostile requests against a running shop: a 4xx in the error format, quickly, with bounded memory."""

import io
import re
import socket

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import DEEP
from tests.e2e.hostile import Case, list_cases
from tests.e2e.servers import Server
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CPU_SECONDS = 2.0
MOST_BYTES_OF_AN_ERROR = 100_000
MOST_GROWTH = 150_000_000

STANDS = [("gunicorn", "sqlite"), ("uvicorn", "postgres")]
if DEEP:
    STANDS = [
        (kind, database)
        for kind in ("gunicorn", "granian-wsgi", "granian-asgi", "uvicorn")
        for database in ("sqlite", "postgres")
    ]


@pytest.fixture(scope="module", params=STANDS, ids="-".join)
def server(request, shop_server) -> Server:
    made: Server = shop_server(*request.param)
    return made


@pytest.fixture(scope="module")
def callers(server):
    for _ in range(4):  # every worker has loaded the API
        httpx.get(f"{server.url}/api/products/1", timeout=SECONDS)
    clients = {"": server.client(), "ada": server.sign_in("ada"), "staff": server.sign_in("staff")}
    yield clients
    for client in clients.values():
        client.close()


def check_error(answer: httpx.Response) -> None:
    """Check that the answer is in the error format: Ninja's body or a problem document."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert kind in {"application/json", "application/problem+json"}, (kind, answer.text[:300])
    document = answer.json()
    assert "detail" in document, document
    if kind == "application/problem+json":
        assert document["status"] == answer.status_code
        assert {"type", "title", "status"} <= set(document)
    assert len(answer.content) < MOST_BYTES_OF_AN_ERROR


@pytest.mark.parametrize("case", list(list_cases()), ids=lambda case: case.id)
def test_it_is_refused(server, callers, case: Case):
    client = callers[case.who]
    begun = server.cpu_seconds()
    answer = client.request(case.method, case.path, **case.options)
    took = server.cpu_seconds() - begun
    assert answer.status_code in case.statuses, answer.text[:600]
    assert took < CPU_SECONDS
    if answer.status_code >= 400:
        check_error(answer)
    if answer.status_code == 405:
        assert "GET" in answer.headers["allow"]
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_memory_stays_bounded(server, callers):
    before = server.resident_bytes()
    for _ in range(5):
        for path in ("/api/products", "/api/products/1/reviews"):
            body = b'{"rating": 5, "text": "' + b"a" * 2_400_000 + b'"}'
            callers["staff"].post(path, content=body, headers={"Content-Type": "application/json"})
            body = b"[" * 2_400_000
            callers["staff"].post(path, content=body, headers={"Content-Type": "application/json"})
    assert server.resident_bytes() - before < MOST_GROWTH


def test_unknown_fields_are_never_applied(callers):
    before = callers["ada"].get("/api/auth/me").json()
    body = {"is_staff": True, "user_id": 1, "email": "x@example.org", "id": 99}
    assert callers["ada"].patch("/api/auth/me", json=body).status_code in {200, 400, 422}
    assert callers["ada"].get("/api/auth/me").json() == before
    assert (
        callers["ada"].post("/api/categories", json={"name": "a", "slug": "a"}).status_code == 403
    )


def test_a_customer_sees_no_order_of_another(callers):
    orders = callers["staff"].get("/api/orders?limit=100").json()["items"]
    mine = {order["id"] for order in callers["ada"].get("/api/orders").json()["items"]}
    foreign = next(order["id"] for order in orders if order["id"] not in mine)
    assert callers["ada"].get(f"/api/orders/{foreign}").status_code == 403
    assert callers["ada"].post(f"/api/orders/{foreign}/cancel").status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "../../../evil.png",
        "..\\..\\evil.png",
        "/etc/passwd.png",
        "a\x00.png",
        "evil.html",
        "." * 300,
    ],
)
def test_a_file_name_chooses_no_place(callers, name):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG")
    files = {"image": (name, stream.getvalue(), "image/png")}
    answer = callers["staff"].post("/api/products/3/image", files=files)
    assert answer.status_code in {200, 400, 422}, answer.text
    image = callers["staff"].get("/api/products/3").json()["image"]
    assert re.fullmatch(r"/media/products/(demo-0002|[0-9a-f]{32})\.png", image)


@pytest.mark.parametrize(
    "ordering", ["purchase_price", "-purchase_price", "category__name", "?", "pk"]
)
def test_no_order_tells_about_a_hidden_column(callers, ordering):
    """Ninja Extra leaves out what it does not know; refusing it would be as good."""
    usual = callers[""].get("/api/products").json()["results"]
    answer = callers[""].get("/api/products", params={"ordering": ordering})
    assert answer.status_code in {200, 400, 422}
    if answer.status_code == 200:
        assert answer.json()["results"] == usual


def test_a_second_review_is_a_conflict(callers):
    answers = [callers["ada"].post("/api/products/9/reviews", json={"rating": 5}) for _ in range(2)]
    assert answers[1].status_code == 409, answers[1].text
    check_error(answers[1])


def test_a_chunked_body_is_read(callers):
    def parts():
        yield b'{"lines": [{"product_id": %d, ' % bought
        yield b'"quantity": 1}]}'

    products = callers[""].get("/api/products?in_stock=true").json()["results"]
    bought = max(products, key=lambda product: product["stock"])["id"]
    headers = {"Content-Type": "application/json"}
    answer = callers["ada"].post("/api/orders", content=parts(), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["lines"][0]["product"]["id"] == bought


@pytest.mark.parametrize("path", ["/api/products", "/api/products/1/reviews", "/api/products/1"])
def test_head_is_get_without_a_body(callers, path):
    answer = callers[""].head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_slow_regular_expression_hangs_nobody(server, callers):
    body = {"name": "a" * 60 + "!"}
    assert callers["staff"].patch("/api/products/5", json=body).status_code == 200
    begun = server.cpu_seconds()
    answer = callers[""].get("/api/products/feed", params={"search": "(a+)+$"}, timeout=15)
    assert server.cpu_seconds() - begun < CPU_SECONDS
    assert answer.status_code in {200, 400, 422}, answer.text


def test_a_servers_own_fault_stays_its_own_and_leaks_nothing(callers):
    answer = callers[""].get("/api/oops")
    assert answer.status_code == 500
    check_error(answer)
    assert "SynchronousOnlyOperation" not in answer.text
    assert "mistakes.py" not in answer.text


RAW = {
    "a huge header": b"GET /api/products HTTP/1.1\r\nHost: localhost\r\nX-A: "
    + b"a" * 200_000
    + b"\r\n\r\n",
    "10,000 headers": b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n"
    + b"X-A: a\r\n" * 10_000
    + b"\r\n",
    "no host": b"GET /api/products HTTP/1.1\r\n\r\n",
    "a length below zero": b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length of words": b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
    "two lengths": b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\na",
    "length and chunks": b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunks": b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a header without a name": b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n",
    "a bare line feed in a header": b"GET /api/products HTTP/1.1\r\nHost: localhost\r\nX-A: a\nX-B: b\r\n\r\n",
    "raw NUL in the address": b"GET /api/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
def test_broken_http_breaks_nothing(server, callers, name):
    """The server itself answers these, in its own words or by hanging up: never with a 5xx of ours."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        answer = b""
        try:
            connection.sendall(RAW[name])
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
                if len(answer) > 1_000_000:
                    break
        except TimeoutError:
            raise
        except OSError:  # hung up on, which is an answer too
            pass
    if name == "broken chunks" and server.log.name.startswith("granian-asgi"):
        # It tells the application that the client is gone, which then answers nothing, and says so in its own words.
        assert answer.endswith(b"\r\n\r\nInternal server error")
    else:
        assert not re.match(rb"HTTP/1\.[01] 5(?!01|05)", answer), answer[:300]
    assert callers[""].get("/api/products/1").status_code == 200


def test_after_all_this_every_list_still_answers(server, callers):
    for path in (
        "/api/products",
        "/api/products/feed",
        "/api/categories",
        "/api/reports/stock",
        "/api/reports/ratings",
    ):
        answer = callers[""].get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        answer.json()
    assert callers["staff"].get("/api/orders").status_code == 200
    log = server.log.read_text(errors="replace")
    # A client's fault is a WARNING with its traceback, in one line of JSON; some are Django's ERROR of another logger.
    errors = [line for line in log.splitlines() if '"level": "ERROR"' in line]
    expected = ("/api/oops", '"logger": "django.security.')
    assert [line for line in errors if not any(each in line for each in expected)] == []
    assert "\nTraceback" not in log, log[-3_000:]
