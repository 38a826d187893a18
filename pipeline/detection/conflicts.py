"""Overlapping findings become one, so that no part of any of them stays uncovered."""

from collections.abc import Iterable

from pipeline.detection.types import Finding, catalogue


def resolve_conflicts(findings: Iterable[Finding]) -> list[Finding]:
    """Give sorted, disjoint findings that cover exactly what the given ones cover.

    Findings that overlap, directly or through others, are joined. The name comes
    from the one with the most evidence (score times length), but a kind that is
    never restored goes first: a password inside a URL must not reach the vault
    as part of the URL.
    """
    joined: list[Finding] = []
    cluster: list[Finding] = []
    end = -1
    for finding in sorted(findings):
        if cluster and finding.start >= end:
            joined.append(_join(cluster, end))
            cluster = []
        cluster.append(finding)
        end = max(end, finding.end) if len(cluster) > 1 else finding.end
    if cluster:
        joined.append(_join(cluster, end))
    return joined


def _join(cluster: list[Finding], end: int) -> Finding:
    if len(cluster) == 1:
        return cluster[0]
    strongest = max(cluster, key=_evidence)
    return Finding(cluster[0].start, end, strongest.entity, strongest.score)


def _evidence(finding: Finding) -> tuple[bool, float, float, str]:
    entity = catalogue().get(finding.entity)
    one_way = entity is not None and not entity.reversible
    return (one_way, finding.score * (finding.end - finding.start), finding.score, finding.entity)
