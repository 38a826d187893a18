from pipeline.detection import Finding, resolve_conflicts


def test_disjoint_findings_stay_as_they_are() -> None:
    findings = [Finding(5, 9, "EMAIL", 0.9), Finding(0, 5, "PHONE", 0.7)]
    assert resolve_conflicts(findings) == sorted(findings)


def test_overlapping_findings_cover_the_union() -> None:
    assert resolve_conflicts([Finding(0, 10, "PHONE", 0.7), Finding(8, 12, "POSTCODE", 0.9)]) == [
        Finding(0, 12, "PHONE", 0.7)
    ]


def test_of_two_equal_spans_the_stronger_names_it() -> None:
    assert resolve_conflicts([Finding(0, 9, "PHONE", 0.7), Finding(0, 9, "US_SSN", 0.9)]) == [
        Finding(0, 9, "US_SSN", 0.9)
    ]


def test_a_wider_finding_names_what_holds_a_narrow_one() -> None:
    assert resolve_conflicts([Finding(0, 40, "URL", 0.8), Finding(8, 20, "IPV4", 0.8)]) == [Finding(0, 40, "URL", 0.8)]


def test_a_kind_that_is_never_restored_wins_over_a_wider_one_that_is() -> None:
    assert resolve_conflicts([Finding(0, 40, "URL", 0.8), Finding(8, 12, "PASSWORD", 0.7)]) == [
        Finding(0, 40, "PASSWORD", 0.7)
    ]
