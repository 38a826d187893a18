"""What OpenAI has been given, and until when it may keep that.

How long, by OpenAI's data controls: abuse-monitoring logs hold requests and answers for 30 days, unless Zero Data
Retention or Modified Abuse Monitoring is agreed. Without Zero Data Retention the prompt cache may keep what a model
has computed of a prompt for a day; with it, only where a request asks for that. What is to be stored is kept until
somebody deletes it; with Zero Data Retention nothing is stored. Longer where law or an inquiry into abuse asks.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from schemas.audit import AuditEvent, Disclosure, Retention
from schemas.job import Endpoint
from schemas.redacted import RedactedRequest

DAY = 86_400.0
LOGS_KEPT = 30 * DAY
CACHE_KEPT = DAY


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Who is called, and what was agreed with it."""

    host: str
    retention: Retention


class _CacheOptions(msgspec.Struct):
    ttl: str | None = None


class _Sent(msgspec.Struct):
    """What of a redacted request decides how long it is kept."""

    model: str = "-"
    store: bool | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: _CacheOptions | None = None

    def __repr__(self) -> str:
        return "<_Sent>"

    @property
    def asks_for_long_cache(self) -> bool:
        return self.prompt_cache_retention == "24h" or (
            self.prompt_cache_options is not None and self.prompt_cache_options.ttl == "12h"
        )


_requests = msgspec.json.Decoder(_Sent)


class Disclosing:
    """One request as it is about to be given; whatever is wrong with it shows before it is sent."""

    def __init__(self, request: RedactedRequest, service: Service) -> None:
        self._request = request
        self._service = service
        self._sent = _requests.decode(request.body)

    def record(self, *, calls: int, at: float) -> Disclosure:
        """The record of so many calls, the last of which ended at a Unix time."""
        retention = self._service.retention
        if self._sent.store and retention is not Retention.ZDR:
            retention = Retention.UNTIL_DELETED
        return Disclosure(
            host=self._service.host,
            model=self._sent.model,
            calls=calls,
            retention=retention,
            placeholders=self._request.placeholders,
            in_clear=self._request.in_clear,
            kept_until=_kept_until(retention, self._sent, self._request.endpoint, at),
        )


def _kept_until(retention: Retention, sent: _Sent, endpoint: Endpoint, at: float) -> float | None:
    cached = endpoint in (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES)
    match retention:
        case Retention.DEFAULT:
            return at + LOGS_KEPT
        case Retention.MODIFIED:
            return at + CACHE_KEPT if cached else at
        case Retention.ZDR:
            return at + CACHE_KEPT if cached and sent.asks_for_long_cache else at
        case Retention.UNTIL_DELETED:
            return None


class DisclosedGroup(msgspec.Struct, kw_only=True):
    """What one model at one host was given through one endpoint on one day, under one agreement.

    `day` counts from 1970-01-01 UTC. `jobs` counts audit events: a job that was done again counts again.
    """

    day: int
    host: str
    endpoint: Endpoint | None
    model: str
    retention: Retention
    jobs: int = 0
    calls: int = 0
    placeholders: Counter[str] = msgspec.field(default_factory=Counter)
    in_clear: Counter[str] = msgspec.field(default_factory=Counter)
    kept_until: float | None = None

    def is_kept(self, now: float) -> bool:
        """Whether OpenAI may still have some of it."""
        return self.kept_until is None or self.kept_until > now


class Disclosed:
    """Adds up the disclosures of audit events."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str, str, str, Retention], DisclosedGroup] = {}

    def add(self, event: AuditEvent) -> None:
        """Count an event; one that tells of no call counts for nothing."""
        given = event.disclosed
        if given is None:
            return
        key = (int(event.at // DAY), given.host, event.endpoint or "", given.model, given.retention)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = DisclosedGroup(
                day=key[0],
                host=given.host,
                endpoint=event.endpoint,
                model=given.model,
                retention=given.retention,
                kept_until=given.kept_until,
            )
        group.jobs += 1
        group.calls += given.calls
        group.placeholders.update(given.placeholders)
        group.in_clear.update(given.in_clear)
        if group.kept_until is not None:
            group.kept_until = None if given.kept_until is None else max(group.kept_until, given.kept_until)

    def groups(self) -> Iterator[DisclosedGroup]:
        """By day, host, endpoint and model."""
        for key in sorted(self._groups):
            yield self._groups[key]
