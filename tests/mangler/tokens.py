"""What models do to a placeholder where it stands."""

import html
from collections.abc import Callable, Iterator, Mapping
from random import Random
from urllib.parse import quote

from tests.mangler.draft import Change, Draft, Mangling, Token

_SIDES = {
    "round": ("(", ")"),
    "curly": ("{", "}"),
    "double curly": ("{{", "}}"),
    "angle": ("<", ">"),
    "lenticular": ("【", "】"),
    "full-width": ("［", "］"),
    "white square": ("⟦", "⟧"),
    "guillemets": ("«", "»"),
    "corner": ("「", "」"),
    "escaped": ("\\[", "\\]"),
    "spaced": ("[ ", " ]"),
    "LaTeX": ("{[}", "{]}"),
}
_JOINTS = {
    "space": " ",
    "hyphen": "-",
    "colon": ": ",
    "dot": ".",
    "number sign": "#",
    "equals sign": "=",
    "slash": "/",
    "en dash": "–",
    "two underscores": "__",
    "escaped underscore": "\\_",
    "twice escaped underscore": "\\\\_",
    "no-break space": "\u00a0",
    "no-break hyphen": "\u2011",
    "full-width underscore": "＿",
    "line wrap": "_\n",
    "line wrap, quoted": "_\n> ",
    "HTML line break": "_<br>",
}
_AROUND = {
    "bold": ("**", "**"),
    "italic": ("*", "*"),
    "italic, underscores": ("_", "_"),
    "bold italic": ("***", "***"),
    "code": ("`", "`"),
    "struck": ("~~", "~~"),
    "heading": ("\n## ", "\n"),
    "list item": ("\n- ", "\n"),
    "quoted line": ("\n> ", "\n"),
    "link text": ("[", "](https://example.org)"),
    "link target": ("[see](", ")"),
    "table cell": ("\n| ", " | 7 |\n"),
    "footnote": ("[^1]: ", "\n"),
    "straight quotes": ('"', '"'),
    "curly quotes": ("“", "”"),
    "German quotes": ("„", "“"),
    "single quotes": ("'", "'"),
    "in parentheses": ("(", ")"),
    "twice in brackets": ("[", "]"),
    "possessive": ("", "'s"),
    "possessive, curly": ("", "’s"),
    "possessive of a plural": ("", "s'"),
    "plural": ("", "s"),
    "German plural": ("", "en"),
    "German genitive": ("", "s"),
    "German compound": ("", "-Konto"),
    "Finnish genitive": ("", ":n kanssa"),
    "Finnish adessive": ("", "lla"),
    "Finnish inessive": ("", ":ssa"),
    "Finnish elative, hyphen": ("", "-sta"),
    "Finnish allative": ("", "lle"),
    "Hungarian dative": ("", "-nak"),
    "Turkish genitive": ("", "'nin"),
    "Polish genitive": ("", "a"),
    "Japanese honorific": ("", "さん"),
    "URL path": ("https://example.org/users/", "/edit"),
    "URL query": ("https://example.org/?user=", "&page=2"),
    "file name": ("report_", "_v2.pdf"),
    "snake case": ("get_", "_total()"),
    "environment variable": ("${", "}"),
    "XML element": ("<name>", "</name>"),
    "XML attribute": ('<user name="', '"/>'),
    "SQL string": ("WHERE name = '", "';"),
    "assignment": ("x=", ";"),
    "mention": ("@", ""),
    "hashtag": ("#", ""),
    "LaTeX typewriter": ("\\texttt{", "}"),
    "direction marks": ("\u202a", "\u202c"),
    "isolates": ("\u2068", "\u2069"),
}
_HIDDEN = {
    "zero-width space": "\u200b",
    "soft hyphen": "\u00ad",
    "word joiner": "\u2060",
    "zero-width joiner": "\u200d",
}
_BREAKS = {"line wrap in the code": "\n", "hyphenation in the code": "-\n", "quoted line wrap in the code": "\n> "}
KINDS: Mapping[str, Mapping[str, str]] = {
    "German": {"PERSON": "PERSON_NAME", "CREDIT_CARD": "KREDITKARTE", "EMAIL": "E-MAIL-ADRESSE", "ORGANIZATION": "FIRMA"},
    "French": {"PERSON": "PERSONNE", "CREDIT_CARD": "CARTE_BANCAIRE", "EMAIL": "COURRIEL", "ORGANIZATION": "SOCIÉTÉ"},
    "Spanish": {"PERSON": "PERSONA", "CREDIT_CARD": "TARJETA DE CRÉDITO", "EMAIL": "CORREO", "ORGANIZATION": "EMPRESA"},
    "Finnish": {"PERSON": "HENKILÖ", "CREDIT_CARD": "LUOTTOKORTTI", "EMAIL": "SÄHKÖPOSTI", "ORGANIZATION": "YRITYS"},
    "Polish": {"PERSON": "OSOBA", "CREDIT_CARD": "KARTA_KREDYTOWA", "EMAIL": "ADRES_EMAIL", "ORGANIZATION": "FIRMA"},
    "Russian": {"PERSON": "ЛИЦО", "CREDIT_CARD": "КРЕДИТНАЯ_КАРТА", "EMAIL": "ПОЧТА", "ORGANIZATION": "КОМПАНИЯ"},
    "Japanese": {"PERSON": "人物", "CREDIT_CARD": "クレジットカード", "EMAIL": "メール", "ORGANIZATION": "会社"},
    "Arabic": {"PERSON": "شخص", "CREDIT_CARD": "بطاقة", "EMAIL": "بريد", "ORGANIZATION": "شركة"},
}  # fmt: skip
_CASE, _KIND = frozenset({"case"}), frozenset({"kind"})


def _on(write: Callable[[Token], Token]) -> Change:
    return _at_random(lambda token, _: write(token))


def _at_random(write: Callable[[Token, Random], Token]) -> Change:
    def change(draft: Draft, random: Random) -> Draft:
        return draft._replace(pieces=[one if isinstance(one, str) else write(one, random) for one in draft.pieces])

    return change


def _kind(token: Token, language: str) -> Token:
    return token._replace(kind=KINDS[language].get(token.kind.upper(), KINDS[language]["PERSON"]))


def _random_case(token: Token, random: Random) -> Token:
    return token.each(lambda part: "".join(random.choice((letter.lower(), letter.upper())) for letter in part))


def _broken(sign: str) -> Change:
    def write(token: Token, random: Random) -> Token:
        at = random.randrange(1, max(len(token.code), 2))
        return token._replace(code=token.code[:at] + sign + token.code[at:])

    return _at_random(write)


def _camel(token: Token) -> Token:
    kind = token.kind.replace("_", " ").title().replace(" ", "")
    return token._replace(
        before=token.before + "get", opens="", kind=kind, joint="", code=token.code.capitalize(), closes="",
        after="Total()" + token.after,
    )  # fmt: skip


def _signs(write: Callable[[str], str]) -> Callable[[str], str]:
    return lambda part: "".join(sign if sign.isalnum() else write(sign) for sign in part)


def _characters(write: Callable[[str], str]) -> Callable[[str], str]:
    return lambda part: "".join(map(write, part))


def _entity(sign: str) -> str:
    return f"&#{ord(sign)};"


def _hex_entity(sign: str) -> str:
    return f"&#x{ord(sign):X};"


def _unicode(sign: str) -> str:
    return f"\\u{ord(sign):04x}"


def _percent(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode())


def _full_width(sign: str) -> str:
    return chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign


def _own(write: Callable[[str], str]) -> Callable[[Token], Token]:
    """Write the token's own parts otherwise, and leave what stands around it."""
    return lambda token: token.each(write)._replace(before=token.before, after=token.after)


def _one_other(token: Token, random: Random) -> Token:
    at = random.randrange(len(token.code))
    others = "".join(set("2345679bcdfghjkmnpqrstvwxyz") - {token.code[at].lower()})
    return token._replace(code=token.code[:at] + random.choice(sorted(others)) + token.code[at + 1 :])


def _one_less(token: Token, random: Random) -> Token:
    at = random.randrange(len(token.code))
    return token._replace(code=token.code[:at] + token.code[at + 1 :])


def _one_more(token: Token, random: Random) -> Token:
    # At the end only a digit: a letter there would be an ending (`PERSON_k3f9x2abs`).
    at = random.randrange(len(token.code) + 1)
    more = random.choice("2345679")
    return token._replace(code=token.code[:at] + more + token.code[at:])


def _turned(token: Token) -> Token:
    half = len(token.code) // 2
    return token._replace(code=token.code[half:] + token.code[:half])


def _manglings() -> Iterator[Mangling]:
    yield Mangling("unchanged", _on(lambda token: token))
    yield Mangling("lower case", _on(_own(str.lower)), loses=_CASE)
    yield Mangling("upper case", _on(_own(str.upper)), loses=_CASE)
    yield Mangling("title case", _on(_own(str.title)), loses=_CASE)
    yield Mangling("random case", _at_random(_random_case), loses=_CASE)
    # Two tokens that touch can be told apart by their brackets or by the kind of the second.
    yield Mangling("brackets dropped", _on(lambda token: token._replace(opens="", closes="")), needs=_KIND)
    yield Mangling("opening bracket dropped", _on(lambda token: token._replace(opens="")))
    yield Mangling("closing bracket dropped", _on(lambda token: token._replace(closes="")))
    for name, (opens, closes) in _SIDES.items():
        change = _on(lambda token, opens=opens, closes=closes: token._replace(opens=opens, closes=closes))  # type: ignore[misc]
        yield Mangling(f"brackets {name}", change)
    for name, sign in _JOINTS.items():
        yield Mangling(f"joint: {name}", _on(lambda token, sign=sign: token._replace(joint=sign)))  # type: ignore[misc]
    yield Mangling("joint: none", _on(lambda token: token._replace(joint="")), needs=_KIND)
    for name, (before, after) in _AROUND.items():
        change = _on(lambda token, before=before, after=after: token.around(before, after))  # type: ignore[misc]
        yield Mangling(name, change)
    yield Mangling("bold inside the brackets", _on(lambda token: token._replace(
        opens=token.opens + "**", closes="**" + token.closes)))  # fmt: skip
    yield Mangling("bold kind", _on(lambda token: token._replace(kind=f"**{token.kind}**")))
    yield Mangling(
        "code in quotes", _on(lambda token: token._replace(joint=': "', code=token.code, closes='"' + token.closes))
    )
    yield Mangling("LaTeX subscript", _on(lambda token: token._replace(joint="_{", closes="}" + token.closes)))
    yield Mangling("kebab case", _on(lambda token: token._replace(
        opens="", kind=token.kind.lower().replace("_", "-"), joint="-", closes="")), needs=_KIND)  # fmt: skip
    yield Mangling("camel case", _on(_camel), needs=_CASE | _KIND)
    yield Mangling("underscores escaped", _on(_own(lambda part: part.replace("_", "\\_"))))
    yield Mangling("underscores to spaces", _on(_own(lambda part: part.replace("_", " "))))
    yield Mangling(
        "brackets dropped, ending joined",
        _on(lambda token: token._replace(opens="", closes="").around("", "ssa")),
        needs=_KIND,
    )
    for name, sign in _HIDDEN.items():
        yield Mangling(f"{name} at the joint", _on(lambda token, sign=sign: token._replace(joint=token.joint + sign)))  # type: ignore[misc]
        yield Mangling(f"{name} in the code", _broken(sign))
    yield Mangling("zero-width space everywhere", _on(_own("\u200b".join)))
    for name, sign in _BREAKS.items():
        yield Mangling(name, _broken(sign))
    yield Mangling(
        "hyphenation in the kind",
        _on(lambda token: token._replace(kind=f"{token.kind[:3]}-\n{token.kind[3:]}")),
        loses=_KIND,
    )
    yield Mangling("signs as HTML entities", _on(_own(_signs(_entity))))
    yield Mangling("all as HTML entities", _on(_own(_characters(_hex_entity))))
    yield Mangling("HTML escaped", _on(_own(html.escape)))
    yield Mangling("signs as JSON escapes", _on(_own(_signs(_unicode))))
    yield Mangling("all as JSON escapes", _on(_own(_characters(_unicode))))
    yield Mangling("signs percent-encoded", _on(_own(lambda part: quote(part, safe=""))))
    yield Mangling("all percent-encoded", _on(_own(_characters(_percent))))
    yield Mangling("full width", _on(_own(_characters(_full_width))))
    yield Mangling("kind dropped", _on(lambda token: token._replace(kind="", joint="")), loses=_KIND)
    yield Mangling("another kind", _on(lambda token: token._replace(kind="VALUE")), loses=_KIND)
    yield Mangling("number added", _on(lambda token: token._replace(kind=f"{token.kind}_1")), loses=_KIND)
    for language in KINDS:
        change = _on(lambda token, language=language: _kind(token, language))  # type: ignore[misc]
        yield Mangling(f"kind in {language}", change, loses=_KIND)
    yield Mangling(
        "code cut short", _on(lambda token: token._replace(code=token.code[: len(token.code) // 2])), keeps=False
    )
    yield Mangling("code dropped", _on(lambda token: token._replace(joint="", code="")), keeps=False)
    yield Mangling("code dropped, kind translated", _on(
        lambda token: _kind(token, "German")._replace(joint="", code="")), keeps=False)  # fmt: skip
    yield Mangling("one character changed", _at_random(_one_other), keeps=False)
    yield Mangling("one character dropped", _at_random(_one_less), keeps=False)
    yield Mangling("one character added", _at_random(_one_more), keeps=False)
    yield Mangling("halves turned", _on(_turned), keeps=False)


OF_TOKENS = tuple(_manglings())
