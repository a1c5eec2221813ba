"""The index of an API's routes finds what Django finds by one pattern after the other."""

import itertools

import pytest

from django_matt import MattAPI
from django_matt.urls import RouteIndex

ROUTES = [
    "books/{int:number}",
    "books/new",
    "books/{slug:name}",
    "{slug:name}/books",
    "books/{int:number}/parts/",
    "authors/all",
    "{path:name}/files",
    "authors{int:number}",
    "authors/{uuid:name}/",
    "x/{int:number}",
]
SEGMENTS = ["books", "new", "7", "authors", "files", "parts", "x"]
URLS = [
    f"{'/'.join(parts)}{end}"
    for count in (1, 2, 3)
    for parts in itertools.product(SEGMENTS, repeat=count)
    for end in ("", "/")
]
URLS += ["", "/", "authors7", "authors/00000000-0000-0000-0000-000000000000/", "bücher/7"]


def make(name, routes):
    """Return an API whose routes return their own path and the parameter."""
    api = MattAPI(urls_namespace=name)

    def add(route):
        if "number" in route:

            @api.get(route)
            def with_number(request, number: int):
                return [route, number]

        elif "name" in route:

            @api.get(route)
            def with_name(request, name: str):
                return [route, name]

        else:

            @api.get(route)
            def without(request):
                return [route, None]

    for route in routes:
        add(f"/{route}")
    return api


@pytest.mark.parametrize("routes", [ROUTES, ROUTES[::-1]], ids=["in order", "reversed"])
def test_a_url_finds_the_route_that_django_finds(routes):
    patterns = make(f"route-index-{routes is ROUTES}", routes).urls[0]
    (index,) = [each for each in patterns if isinstance(each, RouteIndex)]
    others = patterns[patterns.index(index) + 1 : -1]
    found = 0
    for url in URLS:
        ours = index.resolve(url)
        theirs = next(filter(None, (each.resolve(url) for each in others)), None)
        assert (ours and (ours.func, ours.kwargs)) == (theirs and (theirs.func, theirs.kwargs)), url
        found += ours is not None
    assert 50 < found < len(URLS)


def test_routes_with_and_without_parameters_are_served(serve):
    client = serve(make("route-index-served", ROUTES))
    assert client.get("/api/books/7").json() == ["/books/{int:number}", 7]
    assert client.get("/api/books/new").json() == ["/books/new", None]
    assert client.get("/api/books/old").json() == ["/books/{slug:name}", "old"]
    assert client.get("/api/other/books").json() == ["/{slug:name}/books", "other"]
    assert client.get("/api/x/files").json() == ["/{path:name}/files", "x"]
    assert client.get("/api/x/y").status_code == 404


def test_a_route_with_a_parameter_is_found_without_a_try_of_the_routes_of_other_resources(
    monkeypatch,
):
    routes = [f"things{number}/{{int:number}}" for number in range(50)]
    patterns = make("route-index-many", routes).urls[0]
    (index,) = [each for each in patterns if isinstance(each, RouteIndex)]
    assert index.resolve("things1/1").kwargs == {"number": 1}
    tried = []
    for each in patterns[patterns.index(index) + 1 :]:
        monkeypatch.setattr(each, "resolve", lambda path, each=each: tried.append(each))
    assert index.resolve("things49/1") is None
    assert len(tried) == 1
