"""How an installed app extends every API of a project."""

from django.test import override_settings

from django_matt import MattAPI
from django_matt.extensions import ExtendsAPI
from tests.extending.apps import ExtendingConfig


def test_an_app_config_with_extend_satisfies_the_protocol():
    assert issubclass(ExtendingConfig, ExtendsAPI)


def test_an_installed_app_extends_every_api_and_only_while_it_is_installed(serve, settings):
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.extending"]):
        client = serve(MattAPI(), **{"two/": MattAPI(urls_namespace="two")})
        for prefix in ("api", "two"):
            assert client.get(f"/{prefix}/extended").json() == {"by": "the app"}
            document = client.get(f"/{prefix}/openapi.json").json()
            assert "Extended" in document["components"]["securitySchemes"]
            assert f"/{prefix}/extended" in document["paths"]
    assert serve(MattAPI(urls_namespace="three")).get("/api/extended").status_code == 404
