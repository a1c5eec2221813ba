"""The hostile requests as a table: a name, a request, and what it may be answered with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

UNREADABLE = frozenset({400, 413, 415, 422})
"""A body or parameter that cannot be read or does not fit."""
NOWHERE = frozenset({400, 404})
"""An address of nothing."""


@dataclass(frozen=True)
class Case:
    """One request and the statuses that answer it rightly."""

    id: str
    method: str
    path: str
    statuses: frozenset[int] = UNREADABLE
    who: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def json_body(content: bytes | str, kind: str = "application/json") -> dict[str, Any]:
    raw = content if isinstance(content, bytes) else content.encode()
    return {"content": raw, "headers": {"Content-Type": kind} if kind else {}}


BODIES: dict[str, bytes] = {
    "cut off": b'{"rating": ',
    "empty": b"",
    "not JSON": b"rating=5",
    "trailing text": b'{"rating": 5} x',
    "single quotes": b"{'rating': 5}",
    "NaN": b'{"rating": NaN}',
    "Infinity": b'{"rating": Infinity}',
    "minus Infinity": b'{"rating": -Infinity}',
    "1e400": b'{"rating": 1e400}',
    "1e1000000": b'{"rating": 1e1000000}',
    "NaN in a field nobody reads": b'{"rating": 5, "unknown": NaN}',
    "an integer past 64 bits": b'{"rating": 36893488147419103232}',
    "an integer of 10,000 digits": b'{"rating": ' + b"9" * 10_000 + b"}",
    "100,000 arrays deep": b"[" * 100_000,
    "100,000 closed arrays deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects deep": b'{"rating":' * 100_000,
    "depth in a field nobody reads": b'{"rating": 5, "unknown": '
    + b"[" * 5_000
    + b"]" * 5_000
    + b"}",
    "a lone surrogate": b'{"rating": 5, "text": "\\ud800"}',
    "a lone surrogate as a name": b'{"rating": 5, "\\ud800": 1}',
    "invalid UTF-8": b'{"rating": 5, "text": "\xff\xfe"}',
    "overlong UTF-8": b'{"rating": 5, "text": "\xc0\xaf"}',
    "UTF-16": '{"rating": 5}'.encode("utf-16"),
    "NUL": b'{"rating": 5, "text": "\\u0000"}',
    "a raw NUL": b'{"rating": 5, "text": "\x00"}',
    "a duplicated name": b'{"rating": 5, "rating": 1}',
    "a list where an object is due": b'[{"rating": 5}]',
    "a string where an object is due": b'"hello world"',
    "a number where an object is due": b"5",
    "null where an object is due": b"null",
    "an object where a number is due": b'{"rating": {"real": 5}}',
    "an object where a text is due": b'{"rating": 5, "text": {"title": "x"}}',
    "a boolean and a half": b'{"rating": 4.5}',
    "20,000 numbers": b"[" + b"1," * 19_999 + b"1]",
    "3 MB of text": b'{"rating": 5, "text": "' + b"a" * 3_000_000 + b'"}',
    "2 MB of one number": b'{"rating": ' + b"1" * 2_000_000 + b"}",
    "100,000 names": b"{" + b",".join(b'"a%d":1' % n for n in range(100_000)) + b"}",
}
"""Bodies that no route takes, made for the async ``POST …/reviews``."""

PRODUCT = '"category_id": 1, "sku": "hostile", "name": "Hostile", "price": 1, "stock": 1, "description": ""'
FIELDS: dict[str, str] = {
    "price NaN": '"price": NaN',
    "price 'NaN' as text": '"price": "NaN"',
    "price 'Infinity' as text": '"price": "Infinity"',
    "price 1e1000000": '"price": "1e1000000"',
    "price over-precise": '"price": "1.23456"',
    "price past its digits": '"price": "123456789012.5"',
    "stock 2**63": f'"stock": {2**63}',
    "stock 2**31": f'"stock": {2**31}',
    "stock negative": '"stock": -1',
    "stock null": '"stock": null',
    "category 2**63": f'"category_id": {2**63}',
    "category of nobody": '"category_id": 123456',
    "category 10**30": f'"category_id": {10**30}',
    "weight 1e400": '"weight": 1e400',
    "weight Infinity as text": '"weight": "Infinity"',
    "weight NaN as text": '"weight": "NaN"',
    "weight zero": '"weight": 0',
    "a date before year 1 in UTC": '"available_from": "0001-01-01T00:00:00+14:00"',
    "a date after year 9999 in UTC": '"available_from": "9999-12-31T23:59:59-14:00"',
    "year 10000": '"available_from": "10000-01-01T00:00:00Z"',
    "a time of 1e300": '"available_from": 1e300',
    "a time of 10**30": f'"available_from": {10**30}',
    "the 31st of February": '"available_from": "2026-02-31T00:00:00Z"',
    "NUL in the name": '"name": "a\\u0000b"',
    "a name too long": f'"name": "{"a" * 5_000}"',
    "an empty name": '"name": ""',
    "a name of surrogates": '"name": "\\udfff\\ud800"',
    "NUL in an attribute": '"attributes": {"a": "\\u0000"}',
    "NUL in an attribute's name": '"attributes": {"\\u0000": "a"}',
    "attributes as text": '"attributes": "hello world"',
    "attributes as pairs": '"attributes": [["a", "b"]]',
}
"""A field that makes an otherwise right product impossible."""

LINES: dict[str, str] = {
    "text": '{"lines": "hello world"}',
    "a list of texts": '{"lines": ["hello world"]}',
    "20,000 numbers": '{"lines": [' + "1," * 19_999 + "1]}",
    "nobody's product": '{"lines": [{"product_id": 123456, "quantity": 1}]}',
    "a product 2**63": f'{{"lines": [{{"product_id": {2**63}, "quantity": 1}}]}}',
    "a product 10**30": f'{{"lines": [{{"product_id": {10**30}, "quantity": 1}}]}}',
    "no pieces": '{"lines": [{"product_id": 1, "quantity": 0}]}',
    "2**63 pieces": f'{{"lines": [{{"product_id": 1, "quantity": {2**63}}}]}}',
    "nothing": '{"lines": []}',
    "a product twice": '{"lines": [{"product_id": 1, "quantity": 1}, {"product_id": 1, "quantity": 1}]}',
    "NUL in the note": '{"lines": [{"product_id": 1, "quantity": 1}], "note": "\\u0000"}',
}

ADDRESSES: dict[str, tuple[str, frozenset[int]]] = {
    "a page 2**63": (f"/api/products?page={2**63}", UNREADABLE | {404}),
    "page 0": ("/api/products?page=0", UNREADABLE | {404}),
    "a page of words": ("/api/products?page=many", UNREADABLE),
    "a page of 10,000 digits": (f"/api/products?page={'9' * 3_000}", UNREADABLE | {404}),
    "a page size 2**63": (f"/api/products?page_size={2**63}", UNREADABLE),
    "a limit 2**63": (f"/api/products/feed?limit={2**63}", UNREADABLE),
    "an offset 2**63": (f"/api/products/feed?offset={2**63}", UNREADABLE),
    "an offset 10**30": (f"/api/products/feed?offset={10**30}", UNREADABLE),
    "a limit below zero": ("/api/products/feed?limit=-1", UNREADABLE),
    "an async offset 2**63": (f"/api/products/1/reviews?offset={2**63}", UNREADABLE),
    "an async limit 2**63": (f"/api/products/1/reviews?limit={2**63}", UNREADABLE),
    "a limit of a milliard": ("/api/products/feed?limit=1000000000", UNREADABLE),
    "an invalid regular expression": ("/api/products/feed?search=%5B", UNREADABLE),
    "another invalid regular expression": ("/api/products/feed?search=(%3FP%3C", UNREADABLE),
    "1,500 search terms": ("/api/products?search=" + "+".join(["a"] * 1_500), UNREADABLE),
    "a search with NUL": ("/api/products?search=a%00b", UNREADABLE),
    "a category with NUL": ("/api/products?category=%00", UNREADABLE),
    "a price NaN": ("/api/products?min_price=NaN", UNREADABLE),
    "a price Infinity": ("/api/products?min_price=Infinity", UNREADABLE),
    "a price 1e1000000": ("/api/products?min_price=1e1000000", UNREADABLE),
    "a price of words": ("/api/products?min_price=cheap", UNREADABLE),
    "an id 2**63": (f"/api/products/{2**63}", NOWHERE | {422}),
    "an id 10**30": (f"/api/products/{10**30}", NOWHERE | {422}),
    "an id of 3,000 digits": (f"/api/products/{'9' * 3_000}", NOWHERE | {414, 422}),
    "an async id 2**63": (f"/api/products/{2**63}/reviews", NOWHERE | {422}),
    "an id below zero": ("/api/products/-1", NOWHERE),
    "half an id": ("/api/products/1.5", NOWHERE),
    "NUL as an id": ("/api/products/%00", NOWHERE),
    "a line break in the address": ("/api/products/%0d%0aSet-Cookie:%20a=b", NOWHERE),
    "a traversal": ("/api/%2e%2e/%2e%2e/etc/passwd", NOWHERE),
    "invalid UTF-8 in the address": ("/api/products/%ff", NOWHERE),
    "an unknown address": ("/api/nope", frozenset({404})),
}

PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def multipart(boundary: str, content: bytes) -> dict[str, Any]:
    return {
        "content": content,
        "headers": {"Content-Type": f"multipart/form-data{boundary}"},
    }


PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
FORMS: dict[str, dict[str, Any]] = {
    "no boundary": multipart("", PART + b"a\r\n--x--\r\n"),
    "another boundary": multipart("; boundary=y", PART + b"a\r\n--x--\r\n"),
    "an impossible boundary": multipart("; boundary=" + "a" * 300, b"--a--"),
    "cut off": multipart("; boundary=x", PART + PNG_HEADER),
    "nothing": multipart("; boundary=x", b""),
    "a part without a name": multipart(
        "; boundary=x",
        b'--x\r\nContent-Disposition: form-data; filename="a.png"\r\n\r\na\r\n--x--\r\n',
    ),
    "broken base64": multipart(
        "; boundary=x",
        b"--x\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\na!!!\r\n--x--\r\n',
    ),
    "text as a picture": {"files": {"image": ("a.png", b"hello", "image/png")}},
    "half a picture": {"files": {"image": ("a.png", PNG_HEADER + b"\x00" * 20, "image/png")}},
    "a traversal that is no picture": {
        "files": {"image": ("../../../etc/passwd", b"root", "image/png")}
    },
    "a picture as a field": {"data": {"image": "hello"}},
    "1,000 files": {"files": [("image", (f"{n}.png", b"a")) for n in range(1_000)]},
    "2 MB that is no picture": {"files": {"image": ("a.png", b"a" * 2_000_000, "image/png")}},
    "a body of JSON": {"json": {"image": "hello"}},
}


def list_cases() -> Iterable[Case]:
    """Yield every case."""
    for name, body in BODIES.items():
        yield Case(
            f"async body: {name}",
            "POST",
            "/api/products/1/reviews",
            who="ada",
            options=json_body(body),
        )
        yield Case(
            f"sync body: {name}", "POST", "/api/products", who="staff", options=json_body(body)
        )
        yield Case(
            f"patch: {name}",
            "PATCH",
            "/api/products/1",
            PATCHED.get(name, UNREADABLE),
            "staff",
            json_body(body),
        )
    for name, member in FIELDS.items():
        first = member.partition(":")[0]
        rest = ", ".join(part for part in PRODUCT.split(", ") if not part.startswith(first))
        yield Case(
            f"field: {name}",
            "POST",
            "/api/products",
            who="staff",
            options=json_body(f"{{{rest}, {member}}}"),
        )
        yield Case(
            f"patched field: {name}",
            "PATCH",
            "/api/products/2",
            who="staff",
            options=json_body(f"{{{member}}}"),
        )
    for name, lines in LINES.items():
        yield Case(f"order: {name}", "POST", "/api/orders", who="ada", options=json_body(lines))
    for name, (path, statuses) in ADDRESSES.items():
        yield Case(f"address: {name}", "GET", path, statuses)
    for name, options in FORMS.items():
        yield Case(f"form: {name}", "POST", "/api/products/1/image", who="staff", options=options)
        if name != "a body of JSON":
            yield Case(
                f"put form: {name}", "PUT", "/api/products/1/listing", who="staff", options=options
            )
    for kind in (
        "text/plain",
        "application/octet-stream",
        "nonsense",
        "",
        "application/json; charset=utf-7",
        "application/json; charset=nonsense",
        "text/html",
    ):
        for path, who in (("/api/products/1/reviews", "ada"), ("/api/products", "staff")):
            yield Case(
                f"content type {kind!r}: {path}",
                "POST",
                path,
                # Without a type (Django's test client sends application/octet-stream for it) the body is
                # read as the API's default format, as Ninja reads it; 409: the second review by this customer.
                UNREADABLE | ({201, 409} if kind in {"", "application/octet-stream"} else set()),
                who,
                json_body(b'{"rating": 5}', kind),
            )
    yield Case(
        "20,000 numbers where objects are due",
        "PUT",
        "/api/products/stock",
        who="staff",
        options=json_body(BODIES["20,000 numbers"]),
    )
    yield Case(
        "200,000 numbers where objects are due",
        "PUT",
        "/api/products/stock",
        who="staff",
        options=json_body(b"[" + b"1," * 199_999 + b"1]"),
    )
    for name, token in {
        "garbage": "garbage",
        "a long token": "a" * 6_000,
        "colons": "::::",
        "a token of 3 parts": "WzEsIiJd:1xVHFM:aaaa",
    }.items():
        for path in ("/api/auth/me", "/api/orders"):
            yield Case(
                f"token: {name} {path}",
                "GET",
                path,
                frozenset({401}),
                options={"headers": {"Authorization": f"Bearer {token}"}},
            )
        yield Case(
            f"async token: {name}",
            "POST",
            "/api/products/1/reviews",
            frozenset({401}),
            options={"json": {"rating": 5}, "headers": {"Authorization": f"Bearer {token}"}},
        )
    yield Case(
        "bytes as a token",
        "GET",
        "/api/orders",
        frozenset({401}),
        options={"headers": {"Authorization": b"Bearer \xff\xfe"}},
    )
    yield Case("no token", "GET", "/api/orders", frozenset({401}))
    yield Case(
        "no async token",
        "POST",
        "/api/products/1/reviews",
        frozenset({401}),
        options={"json": {"rating": 5}},
    )
    yield Case(
        "not the staff",
        "POST",
        "/api/categories",
        frozenset({403}),
        "ada",
        {"json": {"name": "a", "slug": "a"}},
    )
    yield Case(
        "NUL as a user",
        "POST",
        "/api/auth/login",
        frozenset({400, 401, 422}),
        options={"json": {"username": "\x00", "password": "a"}},
    )
    yield Case(
        "a surrogate as a password",
        "POST",
        "/api/auth/login",
        options=json_body(b'{"username": "ada", "password": "\\ud800"}'),
    )
    yield Case(
        "a format nobody writes",
        "GET",
        "/api/products",
        frozenset({406}),
        options={"headers": {"Accept": "application/nothing"}},
    )
    yield Case(
        "a format by name that nobody writes",
        "GET",
        "/api/products?format=nothing",
        frozenset({400, 404, 406}),
    )
    for name, host in {
        "a port past 65535": "localhost:99999999",
        "not allowed": "evil.example",
        "impossible": "a b$",
    }.items():
        for path in ("/api/products", "/api/products/1/reviews"):
            yield Case(
                f"host {name}: {path}",
                "GET",
                path,
                # A list without links needs no host that a link can carry.
                frozenset({200, 400} if "port" in name and "reviews" in path else {400}),
                options={"headers": {"Host": host}},
            )
    yield Case(
        "a sku that is taken",
        "POST",
        "/api/products",
        frozenset({409}),
        "staff",
        {"json": {"category_id": 1, "sku": "demo-0001", "name": "Taken", "price": 1}},
    )
    yield Case("a category with products", "DELETE", "/api/categories/1", frozenset({409}), "staff")
    yield Case(
        "explicit null where a default stands",
        "PATCH",
        "/api/products/2",
        who="staff",
        options={"json": {"description": None}},
    )
    yield Case(
        "a birthday in year 0",
        "PATCH",
        "/api/auth/me",
        who="ada",
        options={"json": {"birthday": "0000-01-01"}},
    )
    yield Case(
        "a birthday in year 10000",
        "PATCH",
        "/api/auth/me",
        who="ada",
        options={"json": {"birthday": "10000-01-01"}},
    )
    yield Case(
        "a birthday of 1e20",
        "PATCH",
        "/api/auth/me",
        who="ada",
        options={"json": {"birthday": 1e20}},
    )
    yield Case("a method that is not there", "DELETE", "/api/products", frozenset({405}))
    yield Case("a method of nobody", "BREW", "/api/products", frozenset({400, 405, 501}))
    yield Case(
        "an async method that is not there", "DELETE", "/api/products/1/reviews", frozenset({405})
    )


# A PATCH names what it changes; without one of its fields it changes nothing, which is no mistake.
PATCHED: dict[str, frozenset[int]] = {
    name: frozenset({200}) | UNREADABLE
    for name in (
        "an integer past 64 bits",
        "an integer of 10,000 digits",
        "an object where a number is due",
        "an object where a text is due",
        "a boolean and a half",
        "100,000 names",
        "NUL",
        "2 MB of one number",
    )
}
