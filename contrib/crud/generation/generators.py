"""``crud``: a ``CrudController`` of a model; ``controller``: the source that it is short for."""

from pathlib import Path
from typing import Any

from django.db.models import Model

from django_matt.contrib.crud.fields import component_name, key_fields, key_type
from django_matt.contrib.crud.generation.choices import Chosen, choose
from django_matt.contrib.crud.generation.sources import Writer
from django_matt.contrib.crud.lists import ListQuery
from django_matt.contrib.crud.model_schemas import Derivation
from django_matt.generation.names import file_name_of, manager_of, module_of, url_name_of
from django_matt.generation.orders import (
    Generated,
    GenerationError,
    Order,
    Source,
    sources_of_tests,
)
from django_matt.generation.samples import Sampler
from django_matt.generation.templates import quoted, render

__all__ = ["make_controller", "make_crud"]

_TEMPLATES = Path(__file__).with_name("templates")


def make_crud(order: Order) -> Generated:
    """Return a ``CrudController`` in ``controllers.py``, with the fields of the model."""
    chosen = _choose(order.model)
    # Tuples: ruff warns of a list that all objects of a class share.
    lines = [
        f"    {name} = ({', '.join(map(quoted, value))}{',' if len(value) == 1 else ''})"
        for name, value in (
            ("fields", chosen.fields),
            ("filters", chosen.filters),
            ("search", chosen.search),
            ("ordering", chosen.ordering),
        )
        if value
    ]
    values = _values(order, chosen)
    base = "AsyncCrudController" if order.asynchronous else "CrudController"
    sources = [_schemas(order, chosen)] if order.write_schemas else []
    if order.write_schemas:
        schemas = ", ".join(f"{name}={values['schema']}{end}" for name, end in _BODIES.items())
        lines[:1] = [f"    schemas = Schemas({schemas})"]
    text = render(
        _TEMPLATES / "crud.py-tpl",
        **values,
        base=base,
        typed=f"{base}[{order.model.__name__}]",
        lines="\n".join(lines),
    )
    return _generated(order, chosen, [*sources, Source("controllers.py", text)])


_BODIES = {"show": "Out", "create": "In", "change": "Change"}


def make_controller(order: Order) -> Generated:
    """Return a controller with every route written out, whose OpenAPI document is that of the ``CrudController``."""
    chosen = _choose(order.model)
    schemas = _schemas(order, chosen)
    values = _values(order, chosen)
    condition = " | ".join(f"Q({name}__icontains=word)" for name in chosen.search)
    values |= {
        "search_condition": condition,
        "filter_fields": chosen.filters,
        "many_names": [each for each in chosen.many if each in chosen.written_many],
        "prefetch": ", ".join(quoted(name) for name in chosen.many),
        "queryset": f"QuerySet[{order.model.__name__}]",
        "async": "async " if order.asynchronous else "",
        "ends": ["Change", "In", "Key", "Out", *(["Query"] if values["has_query"] else [])],
        "filters_many": bool(set(chosen.filters) & set(chosen.many)),
        "excluded": _excluded(chosen),
        "order_by": _order_by(order.model),
    }
    controllers = render(_TEMPLATES / "controller.py-tpl", **values)
    if order.write_schemas:
        return _generated(order, chosen, [schemas, Source("controllers.py", controllers)])
    # In one module, the controller needs no import of its schemas.
    top, _, controller = controllers.partition("\n\n\n")
    top = "\n".join(line for line in top.splitlines() if ".schemas import" not in line)
    imports, _, classes = schemas.text.partition("\n\n\n")
    imports = imports.partition("\n")[2]
    text = f"{top}\n{imports}\n\n\n{classes.rstrip()}\n\n\n{controller}"
    return _generated(order, chosen, [Source("controllers.py", text)])


def _choose(model: type[Model]) -> Chosen:
    try:
        chosen = choose(model)
        _derivation(model, chosen).create()
    except TypeError as error:
        raise GenerationError(
            f"{model._meta.label} cannot have a CrudController: {error}."
        ) from None
    if len(chosen.fields) < 2:
        raise GenerationError(
            f"{model._meta.label} has no field besides its key, so there is nothing to write."
        )
    return chosen


def _derivation(model: type[Model], chosen: Chosen) -> Derivation:
    return Derivation(
        model=model,
        owner=f"{model.__name__}Controller",
        module=model.__module__,
        fields=chosen.fields,
    )


def _excluded(chosen: Chosen) -> str:
    names = [
        quoted(n) for n, has in (("search", chosen.search), ("ordering", chosen.ordering)) if has
    ]
    return f", exclude={{{', '.join(names)}}}" if names else ""


def _order_by(model: type[Model]) -> str:
    """Return the arguments of ``order_by`` without a wish of the client; empty if the model's own are expressions."""
    names = list(model._meta.ordering or ())
    if not all(isinstance(name, str) for name in names):
        return ""
    return ", ".join(quoted(str(name)) for name in [*names, "pk"])


def _values(order: Order, chosen: Chosen) -> dict[str, Any]:
    model, options = order.model, order.model._meta
    key = key_fields(model)[0]
    converter = {int: "int:", str: ""}.get(key_type(key), "")
    return {
        "model": model.__name__,
        # Schemas are called as in the document, which has names of ASCII only.
        "schema": component_name(model.__name__),
        "module": module_of(model),
        "app": order.app.name,
        "prefix": url_name_of(model),
        "plural": _plain(options.verbose_name_plural),
        "singular": _plain(options.verbose_name),
        "summaries": {
            verb: quoted(
                f"{verb.title()} {options.verbose_name_plural if verb == 'list' else options.verbose_name}"
            )
            for verb in ("list", "create", "show", "change", "delete")
        },
        "key_path": quoted(f"/{{{converter}{key.attname}}}"),
        "manager": manager_of(model),
        "has_query": bool(chosen.filters or chosen.search or chosen.ordering),
        "search": chosen.search,
        "ordering": chosen.ordering,
        "write_schemas": order.write_schemas,
        "asynchronous": order.asynchronous,
    }


def _plain(text: Any) -> str:
    """Return a name for a docstring."""
    return str(text).replace("\\", "").replace('"""', "")


def _schemas(order: Order, chosen: Chosen) -> Source:
    model = order.model
    derive = _derivation(model, chosen)
    writer = Writer(model, order.app.name)
    key = key_fields(model)[0]
    writer.add_class(derive.show(), many=chosen.many)
    writer.add_class(derive.create(), sent=True)
    writer.add_class(derive.change(), sent=True)
    writer.add_key(key)
    query = ListQuery(
        model,
        f"{model.__name__}Controller",
        model.__module__,
        filters=chosen.filters,
        search=chosen.search,
        ordering=chosen.ordering,
    ).schema
    if query.model_fields:
        writer.add_query(query, chosen)
    return Source("schemas.py", render(_TEMPLATES / "schemas.py-tpl", **writer.values()))


def _generated(order: Order, chosen: Chosen, sources: list[Source]) -> Generated:
    name = f"{order.model.__name__}Controller"
    following = [
        f"Register it where your API is: from {order.app.name}.controllers import {name}, "
        f"then api.register_controllers({name})."
    ]
    if order.tests:
        try:
            sources = [*sources, *_tests(order, chosen)]
        except GenerationError as error:
            following.append(f"No tests were written: {error}")
    return Generated(sources, following)


def _tests(order: Order, chosen: Chosen) -> list[Source]:
    model = order.model
    derive = _derivation(model, chosen)
    sampler = Sampler(model)
    required = [name for name, field in derive.create().model_fields.items() if field.is_required()]
    items = [(name, sampler.json(name)) for name in required]
    changed = next(
        (
            name
            for name in required
            if sampler.is_plain(name) and name in derive.change().model_fields
        ),
        "",
    )
    create = sampler.create()
    imports = sorted(sampler.imports)
    text = render(
        _TEMPLATES / ("tests_pytest.py-tpl" if order.pytest else "tests_unittest.py-tpl"),
        **_values(order, chosen),
        imports=imports,
        body=f"    return {{{', '.join(f'{quoted(name)}: {value}' for name, value in items)}}}",
        changed=changed,
        key=key_fields(model)[0].attname,
        create=create,
    )
    return sources_of_tests(order, f"test_{file_name_of(model)}_api", text)
