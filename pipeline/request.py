"""The two ends of a call: a request becomes fit to be sent, an answer gets its originals back."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipeline.citations import move_offsets
from pipeline.errors import VeilError
from pipeline.families import Families
from pipeline.field_rules import apply_field_rules
from pipeline.fields.endpoints import api_words, tables
from pipeline.fields.model_names import is_base_model
from pipeline.json_text import DuplicateKey, read_json, write_json
from pipeline.last_check import last_check
from pipeline.placeholders import Issuer, Scope, Taken, lookalikes
from pipeline.policy import Action, Policy
from pipeline.redaction import Decider, Detector
from pipeline.rehydration import Codes, Replacement, is_number, replace, replacements
from pipeline.replacements import Replacements, fill
from pipeline.second_try import INSTRUCTION as SECOND_INSTRUCTION
from pipeline.second_try import restyled
from pipeline.surrogates import Surrogates
from pipeline.text_places import places_of
from pipeline.walk import FeatureRefused, InvalidRequest, Slot, TooDeep, Use, Walk
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.redacted import Original
from schemas.result import Receipt

INSTRUCTION = (
    "Some values in this conversation stand as tokens: a kind in capitals and a code, in square brackets. "
    "Treat each token as the value it stands for, and whenever you mention it, copy the token exactly, "
    "character for character, brackets included."
)
RELATED = (
    "Tokens of one kind whose codes begin with the same four characters stand for the same person or value, "
    "written differently."
)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_ANSWERED_IN_TEXT = (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES)
_SYSTEM_ROLES = ("system", "developer")


class LoneSurrogate(VeilError):
    """A text holds half of a surrogate pair, which is no character and has no UTF-8."""

    code = ErrorCode.LONE_SURROGATE


class MalformedAnswer(VeilError):
    """OpenAI's answer is not what its endpoint gives."""

    code = ErrorCode.OPENAI_MALFORMED_ANSWER


@dataclass(frozen=True)
class RedactedBody:
    """A request fit to be sent, and what the vault needs to restore its answer.

    `second` is the same request in the second try's style, where the policy wants one. `lookalikes`
    are the request's own tokens that have the shape of a placeholder: an answer that repeats one invented nothing.
    """

    body: bytes = field(repr=False)
    originals: dict[str, Original] = field(repr=False)
    issued: dict[str, str] = field(repr=False)
    entities: dict[str, int]
    actions: dict[str, int]
    lookalikes: list[str] = field(default_factory=list, repr=False)
    second: bytes | None = field(default=None, repr=False)
    text_places: dict[str, list[str]] = field(default_factory=dict, repr=False)
    """Where an answer's JSON must have texts, if a number was redacted (`pipeline.text_places`)."""
    in_clear: dict[str, int] = field(default_factory=dict)
    surrogates: dict[str, Original] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Restored:
    """An answer with the originals put back."""

    body: bytes = field(repr=False)
    receipt: Receipt


def redact_request(
    endpoint: Endpoint, request: bytes, *, policy: Policy, detector: Detector, scope: Scope, stream: bool = False
) -> RedactedBody:
    """Make a request fit to be sent, or refuse it with an error that says why and where.

    `stream`: have the answer sent in pieces where the endpoint can; it is put together where it is received.
    """
    table = tables(endpoint).request
    tree = _read_request(request)
    marks = apply_field_rules(tree, policy.fields)
    walk = Walk(scope.hash_identity, _permits(policy))
    table.enter(walk, tree, None)
    marks.check_reached(walk.slots)
    if policy.models is not None and tree["model"] not in policy.models:
        raise FeatureRefused("model")
    decisions = Decider(policy, detector).decide(walk.slots, marks)
    texts = [slot.text for slot in walk.slots]
    taken = Taken([request, *texts] if b"\\u" in request else [request])
    # In a wider scope a name keeps its placeholder, whatever other names a job has.
    families = Families(decisions.forms if scope.of_one_job else None)
    issuer = Issuer(scope, taken, policy.reversible, families)
    surrogates = Surrogates(scope, [request.decode(), *texts]) if policy.uses(Action.SURROGATE) else None
    taking = Replacements(policy, scope, issuer, surrogates)
    fill(decisions, taking)
    if surrogates and not taking.all_found():
        # With its surroundings a surrogate reads as another: placeholders never do.
        surrogates = None
        taking = Replacements(policy, scope, issuer)
        fill(decisions, taking)
    realistic = surrogates.originals if surrogates else {}
    seen = _lookalikes(walk.slots, issuer)
    instruction = f"{INSTRUCTION} {RELATED}" if issuer.related else INSTRUCTION
    words = api_words(endpoint) | {tree["model"]} if is_base_model(tree["model"]) else api_words(endpoint)
    identifiers = {slot.text for slot in walk.slots if slot.use is Use.CLEAN}

    def finished(tree: Any, instruction: str) -> bytes:
        if policy.instruction and issuer.issued:
            _instruct(endpoint, tree, instruction)
        if stream:
            _ask_for_stream(endpoint, tree)
        body = write_json(tree)
        last_check(
            body,
            decisions.values.values(),
            issued=issuer.issued,
            known=taking.one_way | realistic.keys(),
            words=words,
            instruction=instruction,
            identifiers=identifiers,
        )
        return body

    second = None
    if policy.second_try is not None and issuer.issued and endpoint in _ANSWERED_IN_TEXT:
        other = read_json(restyled(write_json(tree), issuer.issued), unique_keys=False)
        second = finished(other, SECOND_INSTRUCTION)
    return RedactedBody(
        finished(tree, instruction),
        issuer.originals,
        issuer.issued,
        dict(decisions.entities),
        dict(decisions.actions),
        sorted(seen),
        second=second,
        text_places=places_of(walk.shapes) if any(map(is_number, issuer.originals.values())) else {},
        in_clear=dict(decisions.in_clear),
        surrogates=realistic,
    )


def restore_answer(
    endpoint: Endpoint,
    answer: bytes,
    *,
    originals: Mapping[str, Original],
    issued: Mapping[str, str],
    lookalikes: Collection[str] = (),
    text_places: Mapping[str, Collection[str]] = MappingProxyType({}),
    surrogates: Mapping[str, Original] | None = None,
) -> Restored:
    """Put the originals back into an answer; where nothing changes, its bytes are returned as they came."""
    codes = Codes.of(originals, issued, frozenset(lookalikes), surrogates)
    tree, walk = read_answer(endpoint, answer)
    changed: dict[int, list[Replacement]] = {}
    for index, slot in enumerate(walk.slots):
        if found := replacements(slot.text, codes, _places(slot, text_places)):
            slot.fill(replace(slot.text, found))
            changed[index] = found
    if not changed:
        return Restored(answer, codes.receipt())
    _follow(walk, changed)
    return Restored(write_answer(tree), codes.receipt())


def read_answer(endpoint: Endpoint, answer: bytes) -> tuple[Any, Walk]:
    """An answer's tree, and the texts in it.

    Raises:
        MalformedAnswer: it is no answer of the endpoint.
    """
    try:
        tree = read_json(answer, unique_keys=False)
        walk = Walk(_no_identity)
        tables(endpoint).answer.enter(walk, tree, None)
    except (ValueError, RecursionError) as exc:
        raise MalformedAnswer(type(exc).__name__) from None
    except (InvalidRequest, TooDeep) as exc:
        raise MalformedAnswer(exc.detail) from None
    return tree, walk


def _places(slot: Slot, text_places: Mapping[str, Collection[str]]) -> Collection[str]:
    """Where the JSON of an answer's text must have texts, by the schema that this text follows."""
    if slot.key == "arguments":
        name = slot.container.get("name")
        return text_places.get(name, ()) if isinstance(name, str) else ()
    return text_places.get("", ()) if slot.key in ("content", "text") else ()


def _follow(walk: Walk, changed: Mapping[int, list[Replacement]]) -> None:
    """Have what an answer tells of its texts keep to them; tokens of a text that has changed are dropped."""
    for spelling in walk.spellings:
        if any(index in changed for index in spelling.slots):
            # They spell the placeholder, cut into pieces.
            spelling.container[spelling.key] = None
    texts = {(id(walk.slots[index].container), walk.slots[index].key): found for index, found in changed.items()}
    for citation in walk.citations:
        if found := texts.get((id(citation.container), citation.key)):
            move_offsets(citation.annotations, found)


def _read_request(request: bytes) -> Any:
    try:
        tree = read_json(request, unique_keys=True)
    except RecursionError:
        raise TooDeep from None
    except DuplicateKey:
        raise InvalidRequest("a key stands twice in an object") from None
    except ValueError:
        raise InvalidRequest("not JSON") from None
    if _SURROGATE_ESCAPE.search(request):
        try:
            write_json(tree)
        except UnicodeEncodeError:
            raise LoneSurrogate from None
        except RecursionError:
            raise TooDeep from None
    return tree


def _permits(policy: Policy) -> frozenset[str]:
    return frozenset(name for name in ("allow_store", "allow_extended_cache") if getattr(policy, name))


def _lookalikes(slots: Iterable[Slot], issuer: Issuer) -> set[str]:
    """Tokens of the redacted request that look like placeholders and are none of ours."""
    kinds = set(issuer.issued.values())
    texts = (slot.container[slot.key] for slot in slots if slot.use is Use.TEXT)
    found = set().union(*(lookalikes(text, kinds) for text in texts))
    return {shape for shape in found if not issuer.owns(shape)}


def _instruct(endpoint: Endpoint, tree: dict[str, Any], instruction: str) -> None:
    """Ask the model to keep the tokens; after the caller's own instructions, before the conversation."""
    if endpoint is Endpoint.CHAT_COMPLETIONS:
        messages = tree["messages"]
        at = next((index for index, item in enumerate(messages) if item["role"] not in _SYSTEM_ROLES), len(messages))
        role = messages[at - 1]["role"] if at else "system"
        messages.insert(at, {"role": role, "content": instruction})
    elif endpoint is Endpoint.RESPONSES:
        given = tree.get("instructions")
        tree["instructions"] = f"{given}\n\n{instruction}" if given else instruction


def _ask_for_stream(endpoint: Endpoint, tree: dict[str, Any]) -> None:
    if endpoint is Endpoint.CHAT_COMPLETIONS:
        tree["stream"], tree["stream_options"] = True, {"include_usage": True}
    elif endpoint is Endpoint.RESPONSES:
        tree["stream"] = True


def _no_identity(purpose: str, value: str) -> str:
    raise NotImplementedError


def write_answer(tree: Any) -> bytes:
    """The bytes of an answer's tree."""
    try:
        return write_json(tree)
    except UnicodeEncodeError:
        # An answer cut in the middle of an emoji; a result must be UTF-8.
        return write_json(_without_surrogates(tree))


def _without_surrogates(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree.encode("utf-8", "replace").decode()
    if isinstance(tree, list):
        return [_without_surrogates(item) for item in tree]
    if isinstance(tree, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in tree.items()}
    return tree
