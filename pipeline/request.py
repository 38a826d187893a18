"""The two ends of a call: a request becomes fit to be sent, an answer gets its originals back."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import VeilError
from pipeline.families import Families
from pipeline.field_rules import apply_field_rules
from pipeline.fields.endpoints import api_words, tables
from pipeline.fields.rules import is_base_model
from pipeline.json_text import DuplicateKey, read_json, write_json
from pipeline.last_check import last_check
from pipeline.placeholders import Issuer, Scope, Taken, lookalikes
from pipeline.policy import Action, Policy
from pipeline.redaction import Decider, Detector
from pipeline.rehydration import Codes, rehydrate
from pipeline.replacements import Replacements, fill
from pipeline.surrogates import Surrogates
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
RELATED = "PERSON tokens whose codes begin with the same four characters are the same person's names."
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
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

    `lookalikes` are the request's own tokens that have the shape of a placeholder:
    an answer that repeats one invented nothing.
    """

    body: bytes = field(repr=False)
    originals: dict[str, Original] = field(repr=False)
    issued: dict[str, str] = field(repr=False)
    entities: dict[str, int]
    actions: dict[str, int]
    lookalikes: list[str] = field(default_factory=list, repr=False)
    surrogates: dict[str, Original] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Restored:
    """An answer with the originals put back."""

    body: bytes = field(repr=False)
    receipt: Receipt


def redact_request(
    endpoint: Endpoint, request: bytes, *, policy: Policy, detector: Detector, scope: Scope
) -> RedactedBody:
    """Make a request fit to be sent, or refuse it with an error that says why and where."""
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
    replacements = Replacements(policy, scope, issuer, surrogates)
    fill(decisions, replacements)
    if surrogates and not replacements.all_found():
        # With its surroundings a surrogate reads as another: placeholders never do.
        surrogates = None
        replacements = Replacements(policy, scope, issuer)
        fill(decisions, replacements)
    realistic = surrogates.originals if surrogates else {}
    seen = _lookalikes(walk.slots, issuer)
    instruction = f"{INSTRUCTION} {RELATED}" if issuer.related else INSTRUCTION
    if policy.instruction and issuer.issued:
        _instruct(endpoint, tree, instruction)
    body = write_json(tree)
    last_check(
        body,
        decisions.values.values(),
        issued=issuer.issued,
        known=replacements.one_way | realistic.keys(),
        words=api_words(endpoint) | {tree["model"]} if is_base_model(tree["model"]) else api_words(endpoint),
        instruction=instruction,
        identifiers={slot.text for slot in walk.slots if slot.use is Use.CLEAN},
    )
    return RedactedBody(
        body,
        issuer.originals,
        issuer.issued,
        dict(decisions.entities),
        dict(decisions.actions),
        sorted(seen),
        realistic,
    )


def restore_answer(
    endpoint: Endpoint,
    answer: bytes,
    *,
    originals: Mapping[str, Original],
    issued: Mapping[str, str],
    lookalikes: Collection[str] = (),
    surrogates: Mapping[str, Original] | None = None,
) -> Restored:
    """Put the originals back into an answer; where nothing changes, its bytes are returned as they came."""
    codes = Codes.of(originals, issued, frozenset(lookalikes), surrogates)
    try:
        tree = read_json(answer, unique_keys=False)
        walk = Walk(_no_identity)
        tables(endpoint).answer.enter(walk, tree, None)
    except (ValueError, RecursionError) as exc:
        raise MalformedAnswer(type(exc).__name__) from None
    except (InvalidRequest, TooDeep) as exc:
        raise MalformedAnswer(exc.detail) from None
    changed = False
    for slot in walk.slots:
        text = rehydrate(slot.text, codes)
        if text != slot.text:
            slot.fill(text)
            changed = True
    if issued or surrogates:
        # Log probabilities spell the answer's tokens, placeholders cut into pieces.
        changed |= _drop_logprobs(tree)
    if not changed:
        return Restored(answer, codes.receipt())
    return Restored(_write_answer(tree, walk.slots), codes.receipt())


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


def _no_identity(purpose: str, value: str) -> str:
    raise NotImplementedError


def _drop_logprobs(tree: dict[str, Any]) -> bool:
    dropped = False
    choices = tree.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if choice.get("logprobs") is not None:
            choice["logprobs"] = None
            dropped = True
    return dropped


def _write_answer(tree: Any, slots: Iterable[Slot]) -> bytes:
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
