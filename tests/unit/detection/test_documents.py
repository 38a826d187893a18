import pytest

from pipeline.detection import Detector
from pipeline.detection.documents import _is_vin, mrz_digit
from pipeline.detection.health import _is_dea, _is_npi
from tests.unit.detection.tables import assert_marked, assert_nothing, completed

VIN = completed("1HGCM826?3A004352", _is_vin, "0123456789X")
NUMBER, BIRTH, EXPIRY = "L898902C3", "740812", "270415"
MRZ = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n"
    f"{NUMBER}{mrz_digit(NUMBER)}UTO{BIRTH}{mrz_digit(BIRTH)}F{EXPIRY}{mrz_digit(EXPIRY)}ZE184226B<<<<<10"
)

FOUND = [
    ("VIN", f"the car ⟦{VIN}⟧ was sold"),
    ("VIN", "VIN: ⟦WVWZZZ1JZXW000001⟧"),
    ("LICENSE_PLATE", "license plate: ⟦7ABC123⟧"),
    ("LICENSE_PLATE", "Kennzeichen ⟦B-MW 1234⟧"),
    ("PASSPORT", "passport number ⟦L89890234⟧"),
    ("PASSPORT", "Reisepass: ⟦C01X00T47⟧"),
    ("PASSPORT_MRZ", f"⟦{MRZ}⟧"),
    ("DRIVER_LICENSE", "driver's license number is ⟦D1234567⟧"),
    ("DRIVER_LICENSE", "numer prawa jazdy: ⟦01234/56/7890⟧"),
    ("MEDICAL_RECORD_NUMBER", "MRN: ⟦631592⟧"),
    ("MEDICAL_RECORD_NUMBER", "seen as ⟦MRN-310303⟧ yesterday"),
    ("MEDICAL_RECORD_NUMBER", "NHC: ⟦8034756⟧."),
    ("HEALTH_PLAN_ID", "member ID: ⟦XYZ123456789⟧"),
    ("US_MBI", "beneficiary has ⟦1EG4-TE5-MK73⟧ now"),
    ("US_NPI", f"NPI: ⟦{completed('123456789?', _is_npi)}⟧"),
    ("US_DEA", f"DEA number ⟦{completed('AB123456?', _is_dea)}⟧"),
]
NOTHING = [
    f"the part {VIN[:8]}{'0' if VIN[8] != '0' else '1'}{VIN[9:]} was sold",
    "the passport office opens at 9 and closes at 17",
    "a plate of 12 oysters",
    "driving license rules of 2024",
    "the record of 631592 visits",
    "renew the license in 30 days",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_document_and_health_numbers_are_found(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_numbers_without_their_name_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)
