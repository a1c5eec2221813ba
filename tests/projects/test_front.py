"""The starters as their owners meet them: installed from the registry, checked, built, served and driven in Chromium."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args, get_type_hints

import httpx
import pytest

from benchmarks.ports import free_port
from tests.projects.conftest import environment
from tests.projects.fronts import (
    EACH_RUN,
    KINDS,
    RENDERED,
    SOURCE,
    Site,
    build,
    drive,
    is_rendered,
    kind_of,
    make,
    manage,
    served,
)
from tests.projects.rendering import FRONTS, PROJECT, Options, render
from tests.projects.running import run, serve
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]

BUDGETS = {
    "react": 90_000,
    "astro": 7_500,
    "svelte": 50_000,
    "next": 200_000,
    "react-router": 125_000,
}
"""Bytes of the JavaScript of the first page, compressed."""
LAMPS = [{"name": f"Lamp {number:02}", "price": "39.90"} for number in range(12)]
BROWSER = {"Accept": "text/html"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(kind, marks=() if kind in EACH_RUN else pytest.mark.exhaustive)
        for kind in KINDS
    ],
)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with a password, its packages installed, built by make."""
    return build(tmp_path_factory.mktemp("front"), request.param)


def first_scripts(client: httpx.Client) -> dict[str, bytes]:
    """Return the scripts that the first page loads, with all that these import."""
    page = client.get("/", headers=BROWSER)
    found: dict[str, bytes] = {}
    named = r'(?:src|href)="([^"]+\.js)"|import\("([^"]+\.js)"\)'
    todo = [str(page.url.join(one or other).path) for one, other in re.findall(named, page.text)]
    while todo:
        url = todo.pop()
        if url not in found:
            answer = client.get(url)
            assert answer.status_code == 200, url
            found[url] = answer.content
            imports = re.findall(r'(?:from|import)\s*["`\'](\.[^"`\']+)["`\']', answer.text)
            todo += [str(answer.url.join(name).path) for name in imports]
    return found


def test_a_starter_is_built_served_driven_and_checked(shop: Path):
    with served(shop) as site:
        client = site.client
        scripts = first_scripts(client)
        size = sum(len(gzip.compress(script)) for script in scripts.values())
        assert 500 < size <= BUDGETS[kind_of(shop)], size
        page = client.get("/", headers=BROWSER)
        for url in re.findall(r'(?:src|href)="(\.?/[^"]+\.[a-z]+)"', page.text):
            assert client.get(str(page.url.join(url).path)).status_code == 200, url
        assert client.get("/static/front/assets/main-old.js", headers=BROWSER).status_code == 404
        assert client.get("/api/nothing", headers=BROWSER).status_code == 404
        meet_csrf(site)
        if is_rendered(shop):
            meet_pages(site)
        else:
            assert "<title>Shop</title>" in client.get("/items/1", headers=BROWSER).text
        drive(shop, str(client.base_url), site)
    # After the browser test, which leaves files.
    manage(shop, "matt_spa", "run", "check")


def meet_csrf(site: Site) -> None:
    """The same site may write; another one, a changed Host, and a missing token may not."""
    client = site.client
    client.cookies.set("sessionid", site.session)
    client.get("/", headers=BROWSER)
    # Where Django serves no page, this is what sets the cookie.
    client.get("/_allauth/browser/v1/config")
    token = {"X-CSRFToken": client.cookies["csrftoken"]}
    here = str(client.base_url).rstrip("/")

    def write(item: dict[str, str], **headers: str) -> int:
        return client.post("/api/items", json=item, headers=headers).status_code

    assert write(LAMPS[0]) == 403
    assert write(LAMPS[0], Origin=here) == 403
    assert write(LAMPS[0], **token, Origin="https://evil.example") == 403
    assert write(LAMPS[0], **token, Origin="null") == 403
    # What a proxy sends that changes the Host: the origin is the proxy's, and no longer this site.
    assert write(LAMPS[0], **token, Origin="http://localhost:5173") == 403
    assert write(LAMPS[0], **token, Origin=here) == 201
    # A proxy that keeps the Host.
    kept = {"Host": "localhost:5173", "Origin": "http://localhost:5173"}
    assert write(LAMPS[1], **token, **kept) == 201
    for lamp in LAMPS[2:]:
        assert write(lamp, **token) == 201


def meet_pages(site: Site) -> None:
    """What Node renders: without JavaScript, and for the one who asks alone."""
    session = {"Cookie": f"sessionid={site.session}"}
    with httpx.Client(base_url=site.client.base_url, timeout=60, headers=BROWSER) as visitor:
        page = visitor.get("/")
        assert "12 items" in re.sub(r"<!--.*?-->", "", page.text)
        assert page.text.count('scope="row"') == 10
        assert "private, no-store" in page.headers["Cache-Control"]
        assert not re.search(r' style="| onclick=', page.text)
        found = visitor.get("/?search=lamp+07")
        assert "Lamp 07" in found.text
        assert "Lamp 06" not in found.text
        second = re.search(r'href="(/\?page=2)"', page.text)
        assert second
        assert visitor.get(second[1]).text.count('scope="row"') == 2
        for query in ("?page=-1", "?page=x", "?page=1e99", "?search=%00", "?search=" + "a+" * 60):
            assert visitor.get(f"/{query}").status_code in {200, 400}, query
        nobody = visitor.get("/items/new")
        assert nobody.status_code in {302, 303, 307}
        assert nobody.headers["Location"].endswith("/sign-in?next=%2Fitems%2Fnew")
        assert visitor.get("/no/such/page").status_code == 404
        for path in ("/items/999999", "/items/abc", "/items/1e9"):
            assert visitor.get(path, headers=session).status_code == 404, path
        for evil in ("//evil.example", "/\\evil.example", "https://evil.example"):
            away = visitor.get("/sign-in", params={"next": evil}, headers=session)
            assert away.headers["Location"] in {"/", str(site.client.base_url)}, evil

        own = {True: session, False: {}}

        def is_own(signed_in: bool) -> bool:
            page = visitor.get("/", headers=own[signed_in])
            assert page.status_code == 200
            assert "private, no-store" in page.headers["Cache-Control"]
            return (site.email in page.text) == signed_in

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(is_own, [True, False] * 30))
        # Django logs the id of the page's request, and answers for the host that the visitor has opened.
        asked = {"X-Request-ID": "of-the-page-0123456789"}
        assert visitor.get("/", headers={**session, **asked}).status_code == 200
        lines = [line for line in site.log.read_text().splitlines() if "of-the-page" in line]
        assert {json.loads(line)["path"] for line in lines} == {"/api/me", "/api/items"}
        foreign = visitor.get("/", headers={"Host": "evil.example"})
        assert "Lamp" not in foreign.text


@pytest.mark.parametrize("shop", RENDERED[:1], indirect=True)
def test_a_page_without_django_is_a_503_that_says_so(shop: Path):
    with served(shop, stays=False) as site:
        for path in ("/", "/items/1", "/no/such/page"):
            page = site.client.get(path, headers={**BROWSER, "Cookie": f"sessionid={site.session}"})
            assert page.status_code == 503, path
            assert "Not available" in page.text
            assert "no-store" in page.headers["Cache-Control"]
            assert not re.search(r"node_modules|\.m?js:\d|ECONN|127\.0\.0\.1:", page.text)
        assert site.client.get("/api/items").status_code == 502


@contextmanager
def changes_host(project: Path, django: int) -> Iterator[httpx.Client]:
    """Vite with the short form of its proxy, which sends the Host of its target."""
    port = free_port()
    config = project / "front/short.config.mjs"
    config.write_text(
        f'export default {{ server: {{ proxy: {{ "^/_allauth": "http://127.0.0.1:{django}" }} }} }};'
    )
    vite = ["node", "node_modules/vite/bin/vite.js", "--config", config.name, "--strictPort"]
    command = [*vite, "--host", "localhost", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=config.parent, env=environment(), stdout=subprocess.DEVNULL
    )
    client = httpx.Client(base_url=f"http://localhost:{port}", timeout=60)

    def answers() -> bool:
        try:
            return client.get("/_allauth/browser/v1/config").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(60)
        config.unlink()


def test_make_dev_serves_both_and_ends_both(shop: Path):
    port, front = free_port(), free_port()
    rendered = is_rendered(shop)
    ports = (
        (f"PORT={front}", f"DJANGO_PORT={port}")
        if rendered
        else (f"PORT={port}", f"FRONT_PORT={front}")
    )
    command = ["make", "dev", *ports]
    page_of_node = httpx.Client(base_url=f"http://localhost:{front}", timeout=60)

    def answers() -> bool:
        try:
            path = "/sign-in" if rendered else "/src/main.tsx"
            return page_of_node.get(path, headers=BROWSER).status_code == 200
        except httpx.TransportError:
            return False

    with serve(shop, command, port, SOURCE, "/api/health/live") as (client, log):
        wait_until(answers, log.read_text)
        page = page_of_node.get("/sign-in", headers=BROWSER)
        assert "Content-Security-Policy" in page.headers
        if rendered:
            assert f"Open http://localhost:{front}/" in log.read_text()
            assert "Password" in page.text
            page_of_node.get("/_allauth/browser/v1/config")
            for path in ("/api/docs", "/admin/login/", "/accounts/login/"):
                assert page_of_node.get(path, headers=BROWSER).status_code == 200, path
        else:
            page = client.get("/sign-in", headers=BROWSER)
            assert f'src="http://localhost:{front}/src/main.tsx"' in page.text
            assert f"http://localhost:{front}" in page.headers["Content-Security-Policy"]
            # The address of Vite works too: its proxy keeps the Host, so Django sees one site.
            assert page_of_node.get("/sign-in", headers=BROWSER).text == page.text
        login = "/_allauth/browser/v1/auth/login"
        body = {"email": "ada@example.com", "password": "wrong"}
        headers = {"Origin": f"http://localhost:{front}"}
        assert page_of_node.post(login, json=body, headers=headers).status_code == 403
        headers["X-CSRFToken"] = page_of_node.cookies["csrftoken"]
        assert page_of_node.post(login, json=body, headers=headers).status_code == 400
        if not rendered:
            with changes_host(shop, port) as other:
                # The short form of Vite's proxy changes the Host, so the origin is another site.
                headers["Origin"] = f"http://localhost:{other.base_url.port}"
                other.cookies = page_of_node.cookies
                assert other.post(login, json=body, headers=headers).status_code == 403
        # A second one says which port is taken, and leaves the first alone.
        done = subprocess.run(
            command,
            cwd=shop,
            env=environment(**SOURCE),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert f"Port {port} is taken" in done.stderr
        assert answers()
    # `serve` has sent one interrupt.
    wait_until(lambda: not answers())
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("kind", KINDS)
def test_the_lock_file_names_no_registry_and_exact_versions(kind: str):
    front = PROJECT / "fronts" / kind
    lock, package = (
        json.loads((front / name).read_text()) for name in ("package-lock.json", "package.json")
    )
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert all("integrity" in each for name, each in lock["packages"].items() if name)
    wanted = {**package.get("dependencies", {}), **package["devDependencies"]}
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not re.search(
        r"https?://(?!opencollective|github|tidelift|paulmillr|feross|www.patreon)",
        (front / "package-lock.json").read_text(),
    )


def test_the_options_the_commands_and_the_messages_know_the_same_starters():
    from django_matt.cli import fronts
    from django_matt.contrib.spa.nodes import STARTERS

    assert list(STARTERS) == KINDS
    kind = get_type_hints(fronts.add, include_extras=True)["kind"]
    assert list(get_args(get_args(kind)[0])) == KINDS
    for name, versions in STARTERS.items():
        package = json.loads((PROJECT / "fronts" / name / "package.json").read_text())
        assert package["engines"]["node"] == versions


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slug", ["stream", "fs", "node-modules", "a", "x" * 50])
def test_npm_accepts_the_name_of_any_project(tmp_path: Path, slug: str, kind: str):
    """Names of Node's own modules among them, which npm refuses."""
    project = render(tmp_path, project_slug=slug, **{**FRONTS[0], "front": kind})
    names = {
        json.loads((project / "front" / name).read_text())["name"]
        for name in ("package.json", "package-lock.json")
    }
    assert names == {f"{slug}-front"}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_starter_is_taken_for_the_template_s_own(tmp_path: Path, kind: str):
    """cookiecutter reads `{{`, `{%` and `{#`, which Svelte and JSX have too."""
    project = render(tmp_path, project_name="Shop", **{**FRONTS[0], "front": kind})
    assert not (project / "fronts").exists()
    for path in (PROJECT / "fronts" / kind).rglob("*"):
        if path.is_file():
            made = project / "front" / path.relative_to(PROJECT / "fronts" / kind)
            text = path.read_text().replace("{{ cookiecutter.project_slug }}", project.name)
            if "cookiecutter." not in text:
                assert made.read_text().rstrip("\n") == text.rstrip("\n"), path


@pytest.mark.parametrize(
    "options",
    [{"sign_in": "none"}, {"first_app": "empty"}, {"audience": "b2b"}],
    ids=str,
)
def test_what_the_starter_is_not_written_for_is_refused(tmp_path: Path, options: Options):
    from django_matt.cli.templates import conflict

    for kind in KINDS:
        assert "Choose" in conflict({**FRONTS[0], "front": kind, **options})
    assert conflict(FRONTS[0]) == ""


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", FRONTS[1:], ids=lambda options: options["sign_in"])
def test_every_way_to_sign_in_builds_and_is_driven(tmp_path: Path, shop: Path, options: Options):
    options = {**options, "database": "sqlite", "front": kind_of(shop)}
    project = make(tmp_path, **options)
    shutil.copytree(shop / "front/node_modules", project / "front/node_modules", symlinks=True)
    run(project, "make", "front", **SOURCE)
    manage(project, "matt_spa", "run", "check")
    with served(project) as site:
        meet_csrf(site)
        drive(project, str(site.client.base_url), site)
