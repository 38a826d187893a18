"""What models do to a whole text that has placeholders in it."""

import base64
import csv
import html
import io
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from random import Random
from urllib.parse import quote, unquote

from tests.mangler.draft import Change, Draft, Mangling, Token


def _whole(write: Callable[[str], str]) -> Change:
    return lambda draft, _: Draft([write(draft.text)], draft.told)


def _chunked(draft: Draft, random: Random) -> Draft:
    """The text as a stream of pieces at any character, joined again as a client does."""
    text = draft.text
    cuts = sorted(random.sample(range(len(text)), min(len(text), 40)))
    chunks = [text[low:high] for low, high in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return Draft(["".join(json.loads(json.dumps(chunk)) for chunk in chunks)], draft.told)


def _cut(draft: Draft, _: Random) -> Draft:
    """The text ends in the middle of its last token's code."""
    last = max(at for at, piece in enumerate(draft.pieces) if isinstance(piece, Token))
    token = draft.pieces[last]
    assert isinstance(token, Token)
    pieces = [*draft.pieces[:last], token.before + token.opens + token.kind + token.joint + token.code[:5]]
    return Draft(pieces, draft.told[:-1])


def _csv(text: str) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["name", "text"], ["1", text]])
    return out.getvalue()


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _runs(text: str) -> str:
    """The text that a document's longest run of base64 says."""
    run = max(re.findall(r"[A-Za-z0-9+/_-]+", text), key=len)
    return base64.urlsafe_b64decode(run.replace("+", "-").replace("/", "_") + "=" * (-len(run) % 4)).decode()


def _hyphenated(text: str) -> str:
    return "\n".join(
        text[at : at + 30] + ("-" if text[at + 29 : at + 31].isalnum() else "") for at in range(0, len(text), 30)
    )


_LATEX = {sign: f"\\{sign}" for sign in "_&%$#"}


def _latex(text: str) -> str:
    return "\\begin{quote}\n" + "".join(_LATEX.get(sign, sign) for sign in text) + "\n\\end{quote}"


def _manglings() -> Iterator[Mangling]:
    def of_text(
        name: str, write: Callable[[str], str], read: Callable[[str], str] = str, *, loses: str = ""
    ) -> Mangling:
        return Mangling(name, _whole(write), loses=frozenset(loses.split()), of_text=True, read=read)

    yield Mangling("stream chunks", _chunked, of_text=True)
    yield Mangling("text cut off", _cut, of_text=True, ends=True)
    yield of_text("text in upper case", str.upper, loses="case")
    yield of_text("text in lower case", str.lower, loses="case")
    yield of_text("wrapped at 24", lambda text: "\n".join(textwrap.wrap(text, 24, break_on_hyphens=False)))
    yield of_text("cut into lines, hyphenated", _hyphenated)
    yield of_text("block quote", lambda text: "\n".join(f"> {line}" for line in text.splitlines()))
    yield of_text("code block", lambda text: f"```\n{text}\n```")
    yield of_text("commented out", lambda text: "\n".join(f"# {line}" for line in text.splitlines()))
    yield of_text("Markdown escaped", lambda text: re.sub(r"([_*\[\]#`])", r"\\\1", text))
    yield of_text("HTML page", lambda text: f"<p>{html.escape(text)}</p>", html.unescape)
    yield of_text("JSON", lambda text: json.dumps({"text": text}), lambda text: str(json.loads(text)["text"]))
    yield of_text("JSON, unescaped", lambda text: json.dumps({"text": text}, ensure_ascii=False),
                  lambda text: str(json.loads(text)["text"]))  # fmt: skip
    yield of_text("JSON in JSON", lambda text: json.dumps({"arguments": json.dumps({"text": text})}),
                  lambda text: str(json.loads(json.loads(text)["arguments"])["text"]))  # fmt: skip
    yield of_text("CSV, quoted", _csv)
    yield of_text("YAML", lambda text: "text: |\n" + textwrap.indent(text, "  "))
    yield of_text("LaTeX", _latex)
    yield of_text("percent-encoded", lambda text: quote(text, safe=""), unquote)
    yield of_text("form-encoded", lambda text: "text=" + quote(text, safe=" ").replace(" ", "+"), unquote)
    yield of_text("base64", lambda text: base64.b64encode(text.encode()).decode(), _runs)
    yield of_text("base64 for URLs", _urlsafe, _runs)
    yield of_text(
        "base64 in a header", lambda text: "Authorization: Basic " + base64.b64encode(text.encode()).decode(), _runs
    )


OF_TEXTS = tuple(_manglings())
