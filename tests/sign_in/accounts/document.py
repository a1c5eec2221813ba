"""Make ``contrib/accounts/openapi.json`` from the document of the installed allauth.

Run it after an update of allauth: ``python -m tests.sign_in.accounts.document``.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import allauth.headless
import yaml

TARGET = Path(__file__).parents[3] / "contrib" / "accounts" / "openapi.json"
KINDS = ("schemas", "parameters", "requestBodies", "responses")
METHODS = ("get", "post", "put", "patch", "delete")


def make_document() -> str:
    """Return the document as JSON: named operations, prefixed components, no examples."""
    source = Path(allauth.headless.__file__).parent / "spec" / "doc" / "openapi.yaml"
    spec = yaml.safe_load(source.read_text())
    paths = {
        path.removeprefix("/_allauth/"): {
            method: {"operationId": _name(path, method), **_clean(operation)}
            for method, operation in item.items()
            if method in METHODS
        }
        for path, item in spec["paths"].items()
    }
    document = {
        "openapi": spec["openapi"],
        "info": {
            "title": "django-allauth",
            "version": version("django-allauth"),
            "license": spec["info"]["license"],
            "contact": spec["info"]["contact"],
        },
        "tags": spec["tags"],
        "paths": paths,
        "components": {
            kind: {
                f"Allauth{name}": _clean(part) for name, part in spec["components"][kind].items()
            }
            for kind in KINDS
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _name(path: str, method: str) -> str:
    _, _, rest = path.partition("/v1/")
    return f"allauth_{rest.replace('/', '_').replace('-', '_')}_{method}"


def _clean(value: Any) -> Any:
    """Leave out the examples, and let references follow the prefix."""
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else value
    found: dict[str, Any] = {}
    for key, each in value.items():
        if key == "examples":
            continue
        if key == "$ref":
            place, _, name = each.rpartition("/")
            found[key] = f"{place}/Allauth{name}"
        else:
            found[key] = _clean(each)
    return found


if __name__ == "__main__":
    TARGET.write_text(make_document())
