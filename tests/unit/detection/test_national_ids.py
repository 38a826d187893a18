import pytest
from stdnum.ar import cuit
from stdnum.au import abn, tfn
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.nz import ird
from stdnum.pl import nip, pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.za import idnr as za_idnr

from pipeline.detection import Detector, build_detector, catalogue
from pipeline.detection.families import all_rules
from pipeline.detection.national_checks import singapore_nric
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing, completed

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Without a name in front: the form is enough.
SHAPED = [
    ("US_SSN", "123-45-6788"),
    ("US_ITIN", "912-70-1234"),
    ("MX_CURP", completed("BOXW310820HNERXN0?", curp.is_valid)),
    ("UK_NINO", "AB 12 34 56 C"),
    ("CH_AHV", completed("756.1234.5678.9?", ahv.is_valid)),
    ("FR_NIR", completed("2950510912611??", nir.is_valid)),
    ("ES_DNI_NIE", completed("12345678?", dni.is_valid, LETTERS)),
    ("ES_DNI_NIE", completed("X1234567?", nie.is_valid, LETTERS)),
    ("IT_CODICE_FISCALE", completed("RCCMNL83S18D969?", codicefiscale.is_valid, LETTERS)),
    ("FI_HETU", completed("131052-308?", hetu.is_valid, "0123456789ABCDEFHJKLMNPRSTUVWXY")),
    ("CN_RIC", completed("36042619910101002?", ric.is_valid, "0123456789X")),
    ("KR_RRN", completed("971013-901987?".replace("9019", "1019"), rrn.is_valid)),
    ("BR_CPF", completed("390.533.447-??", cpf.is_valid)),
    ("BR_CNPJ", completed("16.727.230/0001-??", cnpj.is_valid)),
    ("AR_DNI_CUIT", completed("20-05536168-?", cuit.is_valid)),
    ("CL_RUT", completed("12.531.909-?", rut.is_valid)),
    ("SG_NRIC", completed("S1234567?", singapore_nric, LETTERS)),
    ("IE_PPS", completed("1234567?A", pps.is_valid, LETTERS)),
]

# Digits only: the name must be there.
NAMED = [
    ("US_SSN", "SSN", "123456788"),
    ("CA_SIN", "social insurance number", completed("123 456 78?", sin.is_valid)),
    ("UK_NHS", "NHS number:", completed("943 476 591?", nhs.is_valid)),
    ("UK_UTR", "UTR", completed("?955839661", utr.is_valid)),
    ("DE_STEUER_ID", "Steuer-ID:", completed("36 574 261 80?", idnr.is_valid)),
    ("NL_BSN", "BSN", completed("1112.22.33?", bsn.is_valid)),
    ("PL_PESEL", "PESEL:", completed("4405140135?", pesel.is_valid)),
    ("PL_NIP", "NIP", completed("856734621?", nip.is_valid)),
    ("PT_NIF", "contribuinte", completed("50196484?", nif.is_valid)),
    ("SE_PERSONNUMMER", "personnummer", completed("880320-001?", personnummer.is_valid)),
    ("NO_FNR", "fødselsnummer", completed("151086950??", fodselsnummer.is_valid)),
    ("RO_CNP", "CNP:", completed("163061512345?", cnp.is_valid)),
    ("IN_AADHAAR", "Aadhaar", completed("2341 2341 234?", aadhaar.is_valid)),
    ("AU_TFN", "TFN", completed("123 456 78?", tfn.is_valid)),
    ("AU_ABN", "ABN", completed("?? 824 753 556", abn.is_valid)),
    ("NZ_IRD", "IRD number", completed("49-091-85?", ird.is_valid)),
    ("JP_MY_NUMBER", "マイナンバー:", completed("62163798101?", my_number.is_valid)),
    ("ZA_ID", "South African ID", completed("750330504408?", za_idnr.is_valid)),
    ("TR_TCKN", "TC kimlik no", completed("172910606??", tckimlik.is_valid)),
]


@pytest.mark.parametrize(("entity", "value"), SHAPED)
def test_a_number_with_a_form_of_its_own_stands_alone(detector: Detector, entity: str, value: str) -> None:
    assert_marked(detector, entity, f"we noted ⟦{value}⟧ for them.")


@pytest.mark.parametrize(("entity", "name", "value"), NAMED)
def test_a_bare_number_is_found_behind_its_name(detector: Detector, entity: str, name: str, value: str) -> None:
    assert_marked(detector, entity, f"the {name} ⟦{value}⟧, as agreed")


@pytest.mark.parametrize(("entity", "name", "value"), [row for row in NAMED if row[2].isdigit()])
def test_a_bare_number_without_its_name_is_left(detector: Detector, entity: str, name: str, value: str) -> None:
    assert_nothing(detector, f"the parcel {value}, as agreed")


def test_a_named_number_with_a_wrong_check_digit_is_found_with_less_certainty(detector: Detector) -> None:
    right = completed("4405140135?", pesel.is_valid)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    (good,) = detector.detect(RawText(f"PESEL {right}"))
    (bad,) = detector.detect(RawText(f"PESEL {wrong}"))
    assert (bad.start, bad.end) == (good.start, good.end)
    assert bad.score < good.score


@pytest.mark.parametrize("written", ["44 05 14 013 5{}", "4.4.0.5.1.4.0.1.3.5.{}", "440514\n0135{}", "44O5l40135{}"])
def test_a_named_number_is_found_however_it_is_written(detector: Detector, written: str) -> None:
    check = completed("4405140135?", pesel.is_valid)[-1]
    assert_marked(detector, "PL_PESEL", f"PESEL: ⟦{written.format(check)}⟧,")


def test_every_entity_that_rules_can_find_has_a_rule() -> None:
    # A place of no known kind is for a model of names, a custom entity for the policy.
    assert {rule.entity for rule in all_rules()} == set(catalogue()) - {"LOCATION", "CUSTOM"}


def test_only_the_asked_for_entities_are_found() -> None:
    only = build_detector({"US_SSN"})
    found = only.detect(RawText("SSN 123-45-6788, jane@example.org"))
    assert [finding.entity for finding in found] == ["US_SSN"]
