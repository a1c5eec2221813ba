"""Aliases that Ninja does not resolve: of types (``type Ids = list[int]``), and of fields (``AliasChoices``)."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, AliasPath
from pydantic.fields import FieldInfo

from django_matt import upstream
from django_matt.upstream import is_collection_type, is_pydantic_model

__all__ = ["complete_names", "see_through"]


def see_through(annotation: Any) -> Any:
    """Return a type in which aliases of lists and schemas are replaced by their values.

    >>> from typing_extensions import TypeAliasType
    >>> Ids = TypeAliasType("Ids", list[int])
    >>> see_through(Ids | None)
    typing.Optional[list[int]]
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(origin, "__value__"):
        # Before the next: an alias with arguments hands on the attributes of the alias.
        value = see_through(origin.__value__[arguments])
    elif hasattr(annotation, "__value__"):
        value = see_through(annotation.__value__)
    elif origin is Annotated:
        inner = see_through(arguments[0])
        return annotation if inner is arguments[0] else Annotated[(inner, *annotation.__metadata__)]
    elif origin in (Union, UnionType):
        found = [see_through(argument) for argument in arguments]
        same = all(new is old for new, old in zip(found, arguments, strict=True))
        return annotation if same else Union[tuple(found)]  # noqa: UP007 - of a tuple
    else:
        return annotation
    bare = get_args(value)[0] if get_origin(value) is Annotated else value
    return value if is_collection_type(bare) or is_pydantic_model(bare) else annotation


def complete_names(model: type[upstream.ParamModel]) -> None:
    """Let a parameter model accept every name of its fields, and read lists as lists.

    Ninja knows only the first name of a field, and treats the others as unknown.
    """
    if upstream.lost("aliases") is not None:
        return
    names, lists, back = (
        upstream.flat_names(model),
        upstream.list_names(model),
        upstream.flat_ways(model),
    )
    for path, is_list in _names(model, (), nested=names is not None):
        if names is not None:
            names.setdefault(path[-1], path)
            back.setdefault(path, (path[-1],))
        if is_list and path[-1] not in lists:
            lists.append(path[-1])
    upstream.set_list_names(model, lists)


def _names(
    model: Any, prefix: tuple[str, ...], *, nested: bool
) -> Iterator[tuple[tuple[str, ...], bool]]:
    for attribute, field in upstream.unwrap_union(model).model_fields.items():
        if nested and is_pydantic_model(field.annotation):
            yield from _names(field.annotation, (*prefix, field.alias or attribute), nested=True)
            continue
        annotation = see_through(field.annotation)
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        is_list = is_collection_type(annotation)
        for name, is_path in _names_of(attribute, field):
            yield (*prefix, name), is_list or is_path


def _names_of(attribute: str, field: FieldInfo) -> Iterator[tuple[str, bool]]:
    """Yield each name of a field in a request, and whether it is that of a list of which the field is one item."""
    alias = field.validation_alias or field.alias or attribute
    for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        if isinstance(choice, AliasPath):
            yield str(choice.path[0]), len(choice.path) > 1
        else:
            yield choice, False
