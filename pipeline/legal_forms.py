"""Companies' legal forms at the end of a name, which people leave out when they speak of a company."""

import re

_LEGAL_FORM = re.compile(
    r"""(?:,\ ?|\ )(?:
    gmbh(?:\ &\ co\.?\ (?:kg|ohg))? | mbh | ag\ &\ co\.?\ (?:kg|kgaa) | kgaa | ohg | e\.\ ?v\.
    | (?-i:AG|KG|UG|SE|AB|AS|LP)
    | inc | incorporated | corp | corporation | llc | l\.l\.c | llp | ltd | limited | plc | co | pty\ ltd | pvt\.?\ ltd
    | private\ limited | s\.?a\.?s | sarl | s\.a\.r\.l | s\.?p\.?a | s\.?r\.?l | s\.a | s\.l | (?-i:SA|SL|SLU|BV|NV|KK)
    | b\.v | n\.v | v\.o\.f | asa | a/s | aps | oyj? | sp\.?\ z\ ?o\.?\ ?o | lda | ltda
    )\.?$""",
    re.VERBOSE | re.IGNORECASE,
)
_TWICE = 2
"""`Acme Co., Ltd.` has two."""


def without_legal_form(text: str) -> str:
    """A company's name without its legal form; empty where there is none to leave out."""
    rest = text.strip()
    for _ in range(_TWICE):
        rest = _LEGAL_FORM.sub("", rest)
    return rest if rest != text.strip() else ""
