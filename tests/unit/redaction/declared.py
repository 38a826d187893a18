"""What the installed `openai` package declares of a request, read from its type hints."""

from collections import abc
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Required, Union, get_args, get_origin

import typing_extensions
from openai.types import embedding_create_params, moderation_create_params
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

from schemas.job import Endpoint

REQUESTS: dict[Endpoint, Any] = {
    Endpoint.CHAT_COMPLETIONS: completion_create_params.CompletionCreateParams,
    Endpoint.RESPONSES: response_create_params.ResponseCreateParams,
    Endpoint.EMBEDDINGS: embedding_create_params.EmbeddingCreateParams,
    Endpoint.MODERATIONS: moderation_create_params.ModerationCreateParams,
}
_WRAPPERS = (Required, NotRequired, Annotated, typing_extensions.Required, typing_extensions.NotRequired)


class Declared(NamedTuple):
    """The members of a type, its unions taken apart: what kinds of JSON value may stand there."""

    literals: frozenset[str]
    """The words that are listed; where any text may stand, too, `text` is true."""
    text: bool
    number: bool
    fraction: bool
    """Whether the number may have one."""
    flag: bool
    any_object: bool
    """An object with keys of the caller's own (`Dict[str, object]`)."""
    items: tuple[Any, ...]
    """The types of a list's items, one a list type."""
    objects: tuple[Any, ...]
    """The TypedDicts."""


def declared(*hints: Any) -> Declared:
    """Read hints, together as a union; an unknown kind of hint raises, for then this reader has to learn it."""
    members = [member for hint in hints for member in _members(hint)]
    literals = frozenset(word for item in members if get_origin(item) is Literal for word in get_args(item))
    words = frozenset(word for word in literals if isinstance(word, str))
    return Declared(
        literals=words,
        text=str in members,
        number=int in members or float in members,
        fraction=float in members,
        flag=bool in members or bool(literals - words),
        any_object=any(item is object or get_origin(item) is dict for item in members),
        items=tuple(get_args(item)[0] for item in members if _is_list(item)),
        objects=tuple(item for item in members if typing_extensions.is_typeddict(item)),
    )


@cache
def fields_of(params: Any) -> Mapping[str, Any]:
    """The fields of a TypedDict with their hints."""
    return typing_extensions.get_type_hints(params, include_extras=True)


@cache
def required_of(params: Any) -> frozenset[str]:
    """The fields that a TypedDict must have; its own `__required_keys__` cannot read hints that are strings."""
    required = (Required, typing_extensions.Required)
    return frozenset(name for name, hint in fields_of(params).items() if get_origin(hint) in required)


@cache
def tag_of(params: Any, tag: str) -> frozenset[str]:
    """The words that a TypedDict's tag may be; empty if it has no such field."""
    hint = fields_of(params).get(tag)
    return frozenset() if hint is None else declared(hint).literals


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, abc.Iterable) and not issubclass(origin, abc.Mapping)


def _members(hint: Any) -> Iterator[Any]:
    origin = get_origin(hint)
    if origin in _WRAPPERS:
        yield from _members(get_args(hint)[0])
    elif origin is Union:
        for item in get_args(hint):
            yield from _members(item)
    elif hint is type(None):
        return
    elif (
        hint in (str, int, float, bool, object)
        or origin in (Literal, dict)
        or _is_list(hint)
        or typing_extensions.is_typeddict(hint)
    ):
        yield hint
    else:
        raise NotImplementedError(hint)
