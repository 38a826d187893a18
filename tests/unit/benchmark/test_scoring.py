"""The parts of the benchmark that decide which gold counts, and where figures go."""

from pathlib import Path

import pytest

from infra.names.split import held_out
from tests.benchmark import evaluation, report
from tests.benchmark.check_digits import fails_check
from tests.benchmark.peers.labels import common
from tests.benchmark.quality import Result


@pytest.mark.parametrize(
    ("label", "kind", "text", "fails"),
    [
        ("CREDIT_CARD", "CREDIT_CARD", "4012 8888 8888 1881", False),
        ("CREDIT_CARD", "CREDIT_CARD", "4012 8888 8888 1882", True),
        ("CREDIT_CARD", "CREDIT_CARD", "four oh one two double eight 88 8888 1881", False),
        ("CREDIT_CARD", "CREDIT_CARD", "XXXX XXXX XXXX 1881", True),
        ("IBAN", "IBAN", "GB82 WEST 1234 5698 7654 32", False),
        ("IBAN", "IBAN", "GB83 WEST 1234 5698 7654 32", True),
        ("IBAN", "IBAN", "61 1090 1014 0000 0712 1981 2874", False),
        ("SSN", "US_SSN", "536-90-4399", False),
        ("SSN", "US_SSN", "666-90-4399", True),
        ("NPI", "OTHER", "1234567893", False),
        ("NPI", "OTHER", "1234567894", True),
        ("NIP", "TAX_ID", "PL8567346215", False),
        ("NIP", "TAX_ID", "8567346216", True),
        ("PESEL", "NATIONAL_ID", "44051401359", False),
        ("PESEL", "NATIONAL_ID", "44051401358", True),
        ("POLICY", "OTHER", "1234567894", False),
    ],
)
def test_gold_that_fails_its_check_digit_is_known(label: str, kind: str, text: str, fails: bool) -> None:
    assert fails_check({"label": label, "common": kind, "text": text}) is fails


def test_without_failing_gold_nothing_is_claimed_about_it() -> None:
    good = {"start": 0, "end": 19, "label": "C", "common": "CREDIT_CARD", "text": "4012 8888 8888 1881"}
    bad = {"start": 20, "end": 39, "label": "C", "common": "CREDIT_CARD", "text": "4012 8888 8888 1882"}
    text = f"{good['text']} {bad['text']}"
    (kept,) = evaluation.with_valid_gold([{"id": "1", "text": text, "spans": [good, bad]}])
    assert kept["spans"] == [good]
    assert kept["ignore"] == [bad]


def test_a_fifth_is_held_out_and_groups_stay_together() -> None:
    held = [held_out({"source": "set", "id": str(number)}) for number in range(5000)]
    assert 0.18 < sum(held) / len(held) < 0.22
    for group in range(50):
        assert len({held_out({"source": "set", "id": str(n), "group": str(group)}) for n in range(5)}) == 1


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("EMAIL_ADDRESS", "EMAIL"),
        ("PERSON", "PERSON"),
        ("UK_DRIVING_LICENCE", "DRIVER_LICENSE"),
        ("IT_VAT_CODE", "TAX_ID"),
        ("PL_PESEL", "NATIONAL_ID"),
        ("credit_card", "CREDIT_CARD"),
        ("AWS Access Key", "SECRET"),
        ("Secret Keyword", "PASSWORD"),
    ],
)
def test_labels_of_peers_have_a_common_name(theirs: str, ours: str) -> None:
    assert common(theirs) == ours


def _score(leaked: int) -> evaluation.Score:
    return evaluation.Score(
        documents=1, characters=10, leaked=leaked, recall=1 - leaked / 10, precision=1.0, f1=0.5, negatives=0,
        touched=0, labels={"EMAIL": evaluation.LabelScore(10, leaked, 2, 1, 1, 1)},
    )  # fmt: skip


def test_what_falls_short_of_its_target_is_marked_and_listed() -> None:
    result = Result("veilstream", "ambientmeta", _score(3), None, 1.0, 0.1)
    (row,) = report.against_targets([result]).rows
    assert row[1:3] == ["3 / 10", "0.700 ✗"]
    assert [list(row) for row in report.unmet([result]).rows] == [
        ["ambientmeta", "recall 0.700, wanted 0.92"],
        ["ambientmeta", "F1 0.500, wanted 0.80"],
    ]


def test_labels_are_summed_over_sets_of_those_who_ran_on_all_of_them() -> None:
    results = [Result("veilstream", name, _score(3), None, 1.0, 0.1) for name in ("ambientmeta", "datafog")]
    results.append(Result("other", "datafog", _score(5), None, 1.0, 0.1))
    table = report.labels_side_by_side(results, ("pii",), "t", "t")
    assert table.columns == ("label", "characters", "veilstream")
    assert [list(row) for row in table.rows] == [["EMAIL", "20", "6: 0.70/0.67"]]


def test_tables_replace_what_stands_between_their_markers(tmp_path: Path) -> None:
    docs = tmp_path / "detection.md"
    docs.write_text("before\n<!-- begin t -->\nold\n<!-- end t -->\nafter\n", encoding="utf-8")
    report.write_docs([report.Table("t", "T", ("a", "b"), [("1", "2")]), report.Table("other", "", ("a",), [])], docs)
    assert docs.read_text(encoding="utf-8") == (
        "before\n<!-- begin t -->\n| a | b |\n| --- | --: |\n| 1 | 2 |\n<!-- end t -->\nafter\n"
    )
