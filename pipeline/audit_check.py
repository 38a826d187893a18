"""What an audit topic proves: every chain whole, in order, and signed up to where.

Records are given as they are read, each partition in its order, the partitions
mixed in any way.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from pipeline.audit import is_signed
from pipeline.chain_check import BreakKind, ChainCheck, ChainReport, Claim, Seen
from pipeline.keys import Keyring, UnknownKey
from schemas.audit import AuditCheckpoint, AuditEvent, AuditRecord, Decision, Origin


class TrailCheck:
    """Verifies the audit trail record by record.

    Args:
        keyring: Public audit keys, all epochs.
        cut: The partitions that are not read from their very first record, so that a chain's start may be gone.
        tenant: Count this tenant's events alone, and report only chains that have some; all are verified.
    """

    def __init__(self, keyring: Keyring, *, cut: frozenset[int], tenant: str | None = None) -> None:
        self._keyring = keyring
        self._cut = cut
        self._tenant = tenant
        self._chains: dict[str, ChainCheck] = {}
        self._newest: dict[str, ChainCheck] = {}
        self._strays = ChainCheck("")
        self._decoder = msgspec.json.Decoder(AuditRecord)

    def add(self, value: bytes | None, place: Origin, timestamp: float) -> None:
        """The next record of its partition; `timestamp` is the broker's, in Unix seconds."""
        try:
            record = self._decoder.decode(value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._strays.fault(BreakKind.UNREADABLE, place, None)
            return
        if isinstance(record, AuditCheckpoint):
            self._checkpoint(record, place)
        else:
            # A stage that cannot tell whose record it refuses has nobody to answer.
            handed_on = record.decision is not Decision.REFUSED or record.job_id is not None
            self._event(record, Seen(hashlib.sha256(value or b"").hexdigest(), timestamp, place, handed_on))

    def reports(self, *, now: float) -> Iterator[ChainReport]:
        """Every chain's report, by name; then that of records of no chain, if there are some."""
        for chain in sorted(self._chains):
            check = self._chains[chain]
            report = check.report(now=now, whole_topic=not self._cut)
            if (check.events or report.breaks) and (self._tenant is None or check.counted or report.breaks):
                yield report
        if self._strays.breaks:
            yield ChainReport(
                chain="",
                events=self._strays.counted,
                breaks=self._strays.breaks,
                first_break=self._strays.first_break,
            )

    def _event(self, event: AuditEvent, seen: Seen) -> None:
        check = self._strays if event.link is None else self._begun(event.link.chain, seen.place)
        if self._tenant is None or event.tenant == self._tenant:
            check.counted += 1
        if event.link is None:
            check.fault(BreakKind.UNLINKED, seen.place, None)
            return
        check.take(event.link, seen)
        if event.upstream is not None and check.key_name is not None:
            made = check.made.get(event.upstream.chain)
            if made is None or event.upstream.seq >= made.head.seq:
                check.made[event.upstream.chain] = Claim(event.upstream, seen.timestamp, seen.place)

    def _checkpoint(self, checkpoint: AuditCheckpoint, place: Origin) -> None:
        check = self._begun(checkpoint.head.chain, place)
        if not self._is_sound(checkpoint, check):
            check.fault(BreakKind.BAD_SIGNATURE, place, checkpoint.head.seq)
        elif check.sign(checkpoint.head, place):
            # What its events say of another chain is as good as signed now.
            for chain, claim in check.made.items():
                other = self._check(chain)
                if other.key_name is None:
                    other.vouch(claim)
            check.made.clear()

    def _is_sound(self, checkpoint: AuditCheckpoint, check: ChainCheck) -> bool:
        if check.key_name is None:
            return False
        try:
            key = self._keyring.verifying_key(check.key_name, checkpoint.key_id)
        except UnknownKey:
            return False
        return is_signed(checkpoint, key)

    def _check(self, chain: str) -> ChainCheck:
        check = self._chains.get(chain)
        if check is None:
            check = self._chains[chain] = ChainCheck(chain)
        return check

    def _begun(self, chain: str, place: Origin) -> ChainCheck:
        check = self._check(chain)
        if check.partition is None:
            name = chain.rpartition("/")[0]
            earlier = self._newest.get(name)
            if earlier is not None:
                earlier.superseded = True
            self._newest[name] = check
            check.begin(place, cut=place.partition in self._cut, earlier=earlier is not None)
        return check
