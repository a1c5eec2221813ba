"""Our own pages' assets and templates over HTTP."""

import re

import pytest
from django.template import Engine

from django_matt import MattAPI
from django_matt.pages import render_page


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("matt.css", "text/css; charset=utf-8"),
        ("matt.svg", "image/svg+xml"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
    ],
)
def test_an_asset_is_served_under_the_api_with_its_type(serve, name, kind):
    answer = serve(MattAPI()).get(f"/api/_matt/{name}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == kind
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_asset_that_the_browser_has_is_not_sent_again(serve):
    client = serve(MattAPI())
    etag = client.get("/api/_matt/matt.css")["ETag"]
    again = client.get("/api/_matt/matt.css", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    "name",
    [
        "pages.py",
        "..%2Fpages.py",
        "../pages.py",
        "..%5C..%5Csettings.py",
        "%2Fetc%2Fpasswd",
        "matt.css%00",
        "swagger-ui.css.map",
        "....//matt.css",
    ],
)
def test_no_other_file_can_be_named(serve, name):
    assert serve(MattAPI()).get(f"/api/_matt/{name}").status_code == 404


def test_an_asset_is_only_read(serve):
    answer = serve(MattAPI()).post("/api/_matt/matt.css")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def _api_with_page():
    api = MattAPI()

    @api.get("/page/{n}")
    def page(request, n: int, tenant: str = ""):
        return render_page(request, "matt/base.html", {})

    return api


@pytest.mark.parametrize("prefix", ["api/", "t/<slug:tenant>/api/"])
def test_a_page_finds_its_assets_under_any_prefix(serve, prefix):
    client = serve(_api_with_page(), prefix=prefix)
    base = "/" + prefix.replace("<slug:tenant>", "acme")
    answer = client.get(f"{base}page/1")
    assert f'href="{base}_matt/matt.css"' in answer.content.decode()
    assert client.get(f"{base}_matt/matt.css").status_code == 200
    assert "unsafe-inline" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    "engines",
    [
        [],
        [{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        [{"BACKEND": "no.such.Engine"}],
    ],
)
def test_a_page_needs_no_working_template_engine(serve, settings, engines):
    settings.TEMPLATES = engines
    answer = serve(_api_with_page()).get("/api/page/1")
    assert answer.status_code == 200
    assert "matt.css" in answer.content.decode()


def test_a_project_overrides_a_template(serve, settings, tmp_path):
    (tmp_path / "matt").mkdir()
    (tmp_path / "matt" / "base.html").write_text("mine")
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    ]
    assert serve(_api_with_page()).get("/api/page/1").content == b"mine"


def test_an_override_that_does_not_render_falls_back_to_ours(serve, settings, tmp_path):
    (tmp_path / "matt").mkdir()
    (tmp_path / "matt" / "base.html").write_text("{% nonsense %}")
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    ]
    assert "matt.css" in serve(_api_with_page()).get("/api/page/1").content.decode()


def test_our_templates_are_valid_on_their_own():
    from pathlib import Path

    import django_matt

    root = Path(django_matt.__file__).parent / "templates"
    engine = Engine(dirs=[str(root)])
    names = [str(file.relative_to(root)) for file in root.rglob("*.html")]
    assert names
    for name in names:
        engine.get_template(name)
        text = (root / name).read_text()
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [(i, g) for i in ("ink", "soft", "accent", "bad") for g in ("ground", "surface", "sunken")]
    + [
        ("accent", "accent-ground"),
        ("ink", "accent-ground"),
        ("bad", "bad-ground"),
        ("ink", "mark"),
        ("accent-ink", "accent"),
    ],
)
def test_every_text_has_the_contrast_of_wcag_aa(serve, scheme, ink, ground):
    css = serve(MattAPI()).get("/api/_matt/matt.css").content.decode()
    light, _, dark = css.partition("prefers-color-scheme: dark")
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark)
    )
    lighter, darker = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
