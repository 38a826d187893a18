"""Which table holds for which endpoint."""

from functools import cache
from typing import NamedTuple

from pipeline.errors import VeilError
from pipeline.fields import chat, embeddings, moderations, responses
from pipeline.fields.rules import Fields, words_of
from schemas.codes import ErrorCode
from schemas.job import Endpoint


class UnknownEndpoint(VeilError):
    """No table says what may be sent to this endpoint."""

    code = ErrorCode.UNKNOWN_ENDPOINT


class Tables(NamedTuple):
    """An endpoint's table of the request and of the answer."""

    request: Fields
    answer: Fields


_TABLES = {
    Endpoint.CHAT_COMPLETIONS: Tables(chat.REQUEST, chat.ANSWER),
    Endpoint.RESPONSES: Tables(responses.REQUEST, responses.ANSWER),
    Endpoint.EMBEDDINGS: Tables(embeddings.REQUEST, embeddings.ANSWER),
    Endpoint.MODERATIONS: Tables(moderations.REQUEST, moderations.ANSWER),
}


def tables(endpoint: Endpoint) -> Tables:
    """The tables of an endpoint."""
    found = _TABLES.get(endpoint)
    if found is None:
        raise UnknownEndpoint
    return found


@cache
def api_words(endpoint: Endpoint) -> frozenset[str]:
    """Field names and words of the API that a request may hold without being a user's text."""
    return frozenset(words_of(tables(endpoint).request))
