import base64
import time
from random import Random
from urllib.parse import quote

import pytest

from pipeline.detection import Detector
from pipeline.detection.decode import encoded_runs
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing

MAIL = "to: jane.roe@example.org"
LETTER = "\n".join(["Dear all, please write to jane.roe@example.org from now on."] * 4)


def b64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def url_safe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


RUNS = [
    ("EMAIL", f"body ⟦{b64(MAIL)}⟧ end"),
    ("EMAIL", f"body=⟦{b64(MAIL + '!')}⟧;"),
    ("EMAIL", f"body ⟦{url_safe('¿qué? jane.roe@example.org ÿÿÿ')}⟧."),
    ("EMAIL", f"⟦{b64(b64(MAIL))}⟧"),
    ("EMAIL", f"⟦{b64(MAIL).encode().hex()}⟧"),
    ("EMAIL", f"x 0x⟦{MAIL.encode().hex()}⟧".replace("0x⟦", "⟦0x")),
    ("EMAIL", f"/api/v1/⟦{b64(MAIL)}⟧"),
    ("EMAIL", f"powershell -enc ⟦{b64(MAIL, 'utf-16-le')}⟧"),
    ("EMAIL", f"data:text/plain;base64,⟦{b64(LETTER)}⟧"),
    ("EMAIL", "⟦" + base64.encodebytes(LETTER.encode()).decode().rstrip() + "⟧\nend"),
    ("EMAIL", "⟦" + base64.encodebytes(LETTER.encode()).decode().rstrip().replace("\n", "\r\n") + "⟧\r\nend"),
    ("US_SSN", f"⟦{b64('número SSN: 123-45-6788', 'utf-16-le')}⟧"),
    ("US_SSN", f"⟦{b64('номер SSN: 123-45-6788', 'utf-16-be')}⟧"),
    ("EMAIL", f"⟦{quote(quote(b64(MAIL + '!')))}⟧"),
    ("PASSWORD", f"⟦{b64('mail jane.roe@example.org password: Tr1cky!pass')}⟧"),
    ("US_SSN", f"⟦{b64('SSN: 123-45-6788')}⟧"),
]

ESCAPED = [
    ("EMAIL", "mail=⟦jane%40example.org⟧&x=1"),
    ("EMAIL", "mail=⟦jane%2540example.org⟧"),
    ("EMAIL", f"⟦{''.join(f'%{ord(char):02X}' for char in 'jane@example.org')}⟧ x"),
    ("EMAIL", f"to={quote('é ')}⟦jane%40example.org⟧"),
    ("EMAIL", "<p>⟦jane&#64;example.org⟧</p>"),
    ("EMAIL", "<p>⟦jane&#x40;example&#46;org⟧</p>"),
    ("EMAIL", "<p>⟦jane&commat;example&period;org⟧</p>"),
    ("EMAIL", "<p>⟦jane&amp;#64;example.org⟧</p>"),
    ("EMAIL", r'{"a": "⟦jane\u0040example.org⟧"}'),
    ("EMAIL", r'{"a": "⟦jane\\u0040example.org⟧"}'),
    ("EMAIL", r"a = '⟦jane\x40example.org⟧'"),
    ("EMAIL", r"⟦\x6a\x61\x6e\x65\x40example.org⟧"),
    ("EMAIL", "x%FF%FE⟦jane%40example.org⟧%C3"),
    ("EMAIL", r"a = '\xe9\xff ⟦jane\xef\xbc\xa0example.org⟧'"),
    ("EMAIL", r"a = '⟦jane\\\\\\\\u0040example.org⟧'"),
    ("US_SSN", "Numm%E9ro%20SSN%3A%FF⟦%31%32%33-45-6788⟧%FF"),
    ("US_SSN", "text=my%20SSN%20is%20⟦123-45-6788⟧"),
    ("US_SSN", "text=my+SSN+is+⟦123-45-6788⟧"),
    ("US_SSN", r"{\"text\": \"my num\u00e9ro\nSSN\t⟦123-45-6788⟧\"}"),
    ("PASSWORD", r'"{\"password\":\"⟦Tr1cky!pass⟧\"}"'),
    ("US_SSN", "SSN%3A%20⟦123%2D45%2D6788⟧"),
    ("EMAIL", "<p>⟦jane&shy;.roe&zwnj;@example&#8203;.org⟧</p>"),
    ("EMAIL", r"a = '⟦j\u0430ne\u200b\uff20example.org⟧'"),
    ("CREDIT_CARD", "card ⟦4000&nbsp;1234&nbsp;5678&nbsp;0008⟧"),
    ("URL", r'"⟦https:\/\/intranet.example.org\/a⟧"'),
]

HARMLESS = [
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    f"plain {b64('The weather is fine and nothing else happens here.')}",
    "internationalization_of_applications/src/components/ButtonGroupContext",
    "100%25 of 5%20 and %d5 %s printf",
    "AT&amp;T &lt;b&gt; &nbsp; &unknown; &#0; &#1114112;",
    "a+b+c+d = 5%2B3, C++ and 1+2+3+4+5+6+7+8+9",
    r"C:\new\table\readme \"quoted\" \\server\share",
    r"C:\users\x\u12 \xZZ \ud800 \ud800A",
]


@pytest.mark.parametrize(("entity", "text"), RUNS)
def test_an_encoded_run_that_holds_a_finding_is_one_finding(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize(("entity", "text"), ESCAPED)
def test_escapes_inside_a_value_are_read(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_decodes_to_nothing_sensitive_is_left_alone(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


def test_a_token_stays_what_it_is_whatever_it_carries(detector: Detector) -> None:
    parts = [url_safe('{"alg":"HS256","typ":"JWT"}'), url_safe('{"email":"jane.roe@example.org"}'), "c2lnbmF0dXJlLTAx"]
    assert_marked(detector, "JWT", f"sent ⟦{'.'.join(parts)}⟧ today")


def test_random_tokens_decode_to_nothing() -> None:
    random = Random(7)
    for _ in range(2_000):
        data = random.randbytes(random.randint(12, 48))
        assert list(encoded_runs(f"{data.hex()} {base64.urlsafe_b64encode(data).decode()}")) == []


def test_a_third_level_is_not_opened(detector: Detector) -> None:
    assert_nothing(detector, b64(b64(b64(MAIL))))


@pytest.mark.parametrize(
    "unit", ["%25", "%40", "%", "&#64;", "&amp;", "\\u0040", "\\", "QUFB", "6a6a", "a/", "A" * 76 + "\n"]
)
def test_time_grows_no_faster_than_what_is_encoded(detector: Detector, unit: str) -> None:
    def seconds(size: int) -> float:
        text = RawText((unit * (size // len(unit) + 1))[:size])
        times = []
        for _ in range(3):
            start = time.process_time()
            detector.detect(text)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(80_000) < 7 * seconds(20_000) + 0.05


def test_nested_runs_cost_no_more_than_two_levels(detector: Detector) -> None:
    text = "a" * 1_000
    for _ in range(12):
        text = b64(text)
    start = time.process_time()
    detector.detect(RawText(text))
    assert time.process_time() - start < 1
