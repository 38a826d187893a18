"""How the stub behaves; decoded from flags and from `PUT /_stub/config`."""

from typing import Annotated, Any, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Trigger(msgspec.Struct, forbid_unknown_fields=True):
    """When something happens: whenever one of these says so.

    `next` is counted down as it fires. `marker` fires on a request whose body
    holds that text anywhere, `metadata` included.
    """

    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    every: Count = 0
    next: Count = 0
    marker: str = ""


class Failures(msgspec.Struct, forbid_unknown_fields=True):
    """Instead of an answer; the first that fires, in this order, wins."""

    rate_limit: Trigger = msgspec.field(default_factory=Trigger)  # 429 with retry-after
    server_error: Trigger = msgspec.field(default_factory=Trigger)  # 500
    bad_gateway: Trigger = msgspec.field(default_factory=Trigger)  # 502, and no JSON
    unavailable: Trigger = msgspec.field(default_factory=Trigger)  # 503
    slow_down: Trigger = msgspec.field(default_factory=Trigger)  # 503 that asks for a lower rate
    invalid_key: Trigger = msgspec.field(default_factory=Trigger)  # 401
    forbidden: Trigger = msgspec.field(default_factory=Trigger)  # 403: region
    model_forbidden: Trigger = msgspec.field(default_factory=Trigger)  # 403: this project may not use the model
    quota: Trigger = msgspec.field(default_factory=Trigger)  # 429 that waiting does not help
    context_length: Trigger = msgspec.field(default_factory=Trigger)  # 400
    not_found: Trigger = msgspec.field(default_factory=Trigger)  # 404
    conflict: Trigger = msgspec.field(default_factory=Trigger)  # 409
    unprocessable: Trigger = msgspec.field(default_factory=Trigger)  # 422
    bad_request: Trigger = msgspec.field(default_factory=Trigger)  # 400 whose message echoes the prompt
    hang: Trigger = msgspec.field(default_factory=Trigger)  # no answer at all
    down: Trigger = msgspec.field(default_factory=Trigger)  # connection closed without a word
    cut: Trigger = msgspec.field(default_factory=Trigger)  # connection closed in the middle of the body
    malformed_json: Trigger = msgspec.field(default_factory=Trigger)  # 200, and half an object
    empty_choices: Trigger = msgspec.field(default_factory=Trigger)  # 200, and no answer in it
    failed: Trigger = msgspec.field(default_factory=Trigger)  # 200, and a response whose status is failed
    length: Trigger = msgspec.field(default_factory=Trigger)  # 200, cut short by the model's limit
    content_filter: Trigger = msgspec.field(default_factory=Trigger)  # 200, cut short by a filter


class Mangling(msgspec.Struct, forbid_unknown_fields=True):
    """What models do to placeholders; each takes one placeholder of the answer."""

    drop: Trigger = msgspec.field(default_factory=Trigger)
    lower_case: Trigger = msgspec.field(default_factory=Trigger)
    no_brackets: Trigger = msgspec.field(default_factory=Trigger)
    spaces: Trigger = msgspec.field(default_factory=Trigger)  # for underscores
    invent: Trigger = msgspec.field(default_factory=Trigger)  # one that was never issued


class StubConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Behaviour of the stub.

    `mode`:
      - `helpful`: a short plausible answer that reuses the placeholders it was sent.
      - `echo`: exactly the text of the last user message (its text parts joined
        with nothing between); for byte-exact round trips.
      - `tool_calls`: a call of the first tool, its arguments made from the same
        text; without tools as `helpful`.

    `enforce_limits`: the buckets of `requests_per_minute` and `tokens_per_minute` are real, and
    every answer's headers tell of them; else there are neither.

    `retention`: what an organisation's admin is told of it; the admin's key begins with `admin`.
    """

    mode: Literal["helpful", "echo", "tool_calls"] = "helpful"
    latency_s: Seconds = 0.0
    latency_jitter_s: Seconds = 0.0  # up to so much more, evenly spread
    placeholder: str = r"\[[A-Z][A-Z0-9_]*_[0-9a-z]{8}\]"
    failures: Failures = msgspec.field(default_factory=Failures)
    mangling: Mangling = msgspec.field(default_factory=Mangling)
    retry_after_s: Seconds = 1.0
    hang_s: Seconds = 3600.0
    requests_per_minute: Annotated[int, msgspec.Meta(gt=0)] = 10_000
    tokens_per_minute: Annotated[int, msgspec.Meta(gt=0)] = 2_000_000
    enforce_limits: bool = False
    keep_requests: bool = True
    retention: str = "none"

    def updated(self, changes: dict[str, Any]) -> "StubConfig":
        """Give a copy with some fields changed, nested ones too; ValidationError if they don't fit."""
        return msgspec.convert(_merged(msgspec.to_builtins(self), changes), StubConfig)


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {name: _merged(old.get(name), value) for name, value in new.items()}
    return new
