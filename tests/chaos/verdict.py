"""The checker's pure part: what was seen of one round, and which promises that breaks."""

from collections import Counter
from collections.abc import Mapping

import msgspec


class Evidence(msgspec.Struct, kw_only=True):
    """What is left of a round once everything has come to rest. Counts and ids, no payload.

    `results` and `letters` are what a `read_committed` reader sees, by job id; `poison` are records that
    are no job, and `poison_letters` their dead letters, both by place. `wrong` are jobs that ended
    otherwise than they should: not completed, or not restored byte for byte. `calls` are what the
    model's side received, by job id.
    """

    jobs: frozenset[str]
    results: Counter[str]
    letters: Counter[str] = msgspec.field(default_factory=Counter)
    poison: frozenset[str] = frozenset()
    poison_letters: Counter[str] = msgspec.field(default_factory=Counter)
    wrong: frozenset[str] = frozenset()
    calls: Counter[str] = msgspec.field(default_factory=Counter)
    reconciled: int = 0
    lag: int = 0
    canaries: int = 0
    unsearched: int = 0
    exit_codes: Mapping[str, int] = {}


class Row(msgspec.Struct, kw_only=True):
    """One round as the table shows it; `broken` names each promise that did not hold."""

    fault: str
    number: int
    jobs: int
    results: int = 0
    dead_letters: int = 0
    lost: int = 0
    duplicates: int = 0
    calls: int = 0
    repeated: int = 0
    allowed: int = 0
    reconciled: int = 0
    canaries: int = 0
    lag: int = 0
    seconds: float = 0.0
    broken: tuple[str, ...] = ()


def judge(seen: Evidence, *, fault: str, number: int, allowed: int, seconds: float) -> Row:
    """Compare a round with the promises.

    Args:
        seen: The round's evidence.
        fault: Its name.
        number: Which round of that fault.
        allowed: How many calls the fault may repeat.
        seconds: How long the round took.
    """
    ended = seen.results.keys() | seen.letters.keys()
    lost = len(seen.jobs - ended) + len(seen.poison - seen.poison_letters.keys())
    twice = sum(_beyond_one(counter) for counter in (seen.results, seen.letters, seen.poison_letters))
    # A dead letter is the operator's copy; where the requester can be told, the job has a result as well.
    alone = len(seen.letters.keys() - seen.results.keys()) + len(seen.poison_letters)
    repeated = _beyond_one(seen.calls)
    foreign = len(ended - seen.jobs) + len(seen.poison_letters.keys() - seen.poison)
    broken = {
        f"{lost} lost": lost,
        f"{twice} seen twice": twice,
        f"{foreign} that nobody submitted": foreign,
        f"{len(seen.wrong)} ended wrongly": len(seen.wrong),
        f"{repeated} calls repeated, {allowed} allowed": repeated > allowed,
        f"{len(seen.jobs - seen.calls.keys())} never called": seen.jobs - seen.calls.keys(),
        f"{seen.lag} records unfinished": seen.lag,
        f"{seen.canaries} canaries found": seen.canaries,
        f"{seen.unsearched} places not searched": seen.unsearched,
        f"exit codes {dict(seen.exit_codes)}": any(seen.exit_codes.values()),
    }
    return Row(
        fault=fault,
        number=number,
        jobs=len(seen.jobs) + len(seen.poison),
        results=len(seen.results),
        dead_letters=alone,
        lost=lost,
        duplicates=twice,
        calls=seen.calls.total(),
        repeated=repeated,
        allowed=allowed,
        reconciled=seen.reconciled,
        canaries=seen.canaries,
        lag=seen.lag,
        seconds=round(seconds, 1),
        broken=tuple(text for text, is_broken in broken.items() if is_broken),
    )


def unplayed(fault: str, number: int, *, jobs: int, reason: str) -> Row:
    """A round that could not be played to its end; it proves nothing, so nothing holds."""
    return Row(fault=fault, number=number, jobs=jobs, broken=(f"ended early: {reason}",))


def _beyond_one(counter: Counter[str]) -> int:
    return sum(count - 1 for count in counter.values())
