import pytest

from pipeline.detection import Detector, build_detector
from pipeline.detection.cards import luhn
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing, completed, found, unmarked

FOUND = [
    ("IPV4", "from ⟦192.0.2.17⟧:8080"),
    ("IPV4", "[⟦10.20.30.40⟧] GET /"),
    ("IPV6", "from ⟦2001:db8::8a2e:370:7334⟧."),
    ("IPV6", "[⟦fe80::1ff:fe23:4567:890a⟧]:80"),
    ("MAC_ADDRESS", "eth0 ⟦00:1b:44:11:3a:b7⟧ up"),
    ("MAC_ADDRESS", "⟦00-1B-44-11-3A-B7⟧"),
    ("MAC_ADDRESS", "⟦001b.4411.3ab7⟧"),
    ("IMEI", f"IMEI: ⟦{completed('49015420323751?', luhn)}⟧"),
    ("DEVICE_ID", "device id: ⟦A1B2-C3D4-E5F6⟧"),
    ("DEVICE_ID", "IDFA ⟦6d92078a-8246-4ba4-ae5b-76104861e7dc⟧"),
    ("COOKIE_ID", "JSESSIONID=⟦8F3A9C0D12B44E77A1C0⟧;"),
]
NOTHING = [
    "listen on 0.0.0.0:5432 and 127.0.0.1, mask 255.255.255.0",
    "version 1.2.3.4 of it, v10.1.2.3",
    "999.1.1.1",
    "1.2.3.4.5",
    "std::vector, a::b, dead::beef",
    "at 12:34:56 and 12:34:56:78",
    "ff:ff:ff:ff:ff:ff",
    "key b8e17bae-c00c-416d-89a6-1015334f6a84",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_device_values_are_found_exactly(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_constants_versions_and_hashes_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


def test_kinds_that_are_off_by_default_are_found_when_asked_for() -> None:
    wide = build_detector({"UUID", "HOSTNAME"})
    plain, spans = unmarked("⟦b8e17bae-c00c-416d-89a6-1015334f6a84⟧ on db1.example.internal")
    assert found(wide, plain, "UUID") == spans
    assert [f.entity for f in wide.detect(plain)] == ["UUID", "HOSTNAME"]


def test_a_lower_threshold_brings_back_what_is_known_but_harmless() -> None:
    low = build_detector({"IPV4"}, thresholds={"IPV4": 0.2})
    assert [(f.start, f.end) for f in low.detect(RawText("on 127.0.0.1"))] == [(3, 12)]
