"""Which table holds for which endpoint."""

from functools import cache
from typing import NamedTuple

from pipeline.errors import VeilError
from pipeline.fields import chat, embeddings, moderations, responses
from pipeline.fields.answers import Shape
from pipeline.fields.rules import ByType, Deep, Fields, Many, Permitted, Tagged, Word
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
    return frozenset(_words_of(tables(endpoint).request))


def _words_of(rule: object) -> set[str]:
    """Every word that a table itself brings: field names, tags, words of the API."""
    match rule:
        case Word() | Deep():
            return set(rule.words)
        case Fields():
            return set(rule.fields).union(*map(_words_of, rule.fields.values()))
        case Tagged():
            return {rule.tag, *rule.rules}.union(*map(_words_of, (*rule.rules.values(), rule.untagged)))
        case Many() | Permitted() | Shape():
            return _words_of(rule.rule)
        case ByType():
            return set().union(*map(_words_of, (rule.text, rule.many, rule.fields)))
        case _:
            return set()
