"""Tables of results, the same for the terminal and for docs/detection.md."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.table import Table as RichTable

from tests.benchmark.evaluation import SETS, EvaluationSet, LabelScore, Score
from tests.benchmark.quality import OURS, Result

DOCS = Path(__file__).resolve().parents[2] / "docs" / "detection.md"
_SETS = {one.name: one for one in SETS}


class Table(msgspec.Struct, frozen=True):
    """Rows of text under a title."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def rich(self) -> RichTable:
        """The table for a terminal."""
        table = RichTable(*self.columns, title=self.title)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The table for a document."""
        ruler = ["---", *["--:"] * (len(self.columns) - 1)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (self.columns, ruler, *self.rows))


def against_targets(results: Sequence[Result]) -> Table:
    """Ours on every set beside what is wanted; a figure that falls short is marked."""
    rows = []
    for one in results:
        target = _SETS[one.set].target
        whole, valid = one.all, one.valid or one.all
        rows.append(
            [
                _name(_SETS[one.set]),
                f"{whole.leaked} / {whole.characters}" if whole.characters else "–",
                _cell(whole.recall, target.recall),
                _cell(valid.recall) if one.valid else "",
                _cell(whole.precision, target.precision) if whole.characters else "–",
                _cell(whole.f1, target.f1),
                _touched(whole, target.touched),
                _wanted(_SETS[one.set]),
            ]
        )
    columns = ("set", "leaked", "recall", "valid only", "precision", "F1", "touched", "target R/P/F1, touched")
    return Table("quality", f"{OURS}, all entities, development sets", columns, rows)


def per_label(results: Sequence[Result]) -> Table:
    """Ours, each label of each set."""
    rows = [
        [
            one.set,
            label,
            f"{row.leaked} / {row.characters}",
            _cell(row.covered),
            str(row.gold or "–"),
            _cell(row.precision),
            _cell(row.recall),
            _cell(row.f1),
        ]
        for one in results
        for label, row in sorted(one.all.labels.items(), key=lambda item: -item[1].leaked)
        if row.characters
    ]
    columns = ("set", "label", "leaked", "recall", "spans", "span P", "span R", "span F1")
    return Table("labels", f"{OURS}, label by label", columns, rows)


def labels_side_by_side(results: Iterable[Result], kinds: Sequence[str], name: str, title: str) -> Table:
    """Each label, summed over the sets of some kinds, of those who ran on all of them; valid numbers alone below."""
    chosen = [one for one in results if _SETS[one.set].kind in kinds]
    sets = {one.set for one in chosen}
    by_contestant = {one.contestant: [two for two in chosen if two.contestant == one.contestant] for one in chosen}
    contestants = [who for who, own in by_contestant.items() if {one.set for one in own} == sets]

    def total(who: str, label: str, *, valid: bool) -> LabelScore:
        scores = [one.valid or one.all if valid else one.all for one in by_contestant[who]]
        return sum((score.labels.get(label, LabelScore()) for score in scores), LabelScore())

    labels = {label for one in chosen for label, row in one.all.labels.items() if row.gold}
    order = sorted(labels, key=lambda label: -total(contestants[0], label, valid=False).characters)
    rows = []
    for label in order:
        whole = [total(who, label, valid=False) for who in contestants]
        valid = [total(who, label, valid=True) for who in contestants]
        rows.append([label, str(whole[0].characters), *map(_label_cell, whole)])
        if valid[0].gold != whole[0].gold:
            rows.append([f"{label}, valid", str(valid[0].characters), *map(_label_cell, valid)])
    return Table(name, title, ("label", "characters", *contestants), rows)


def side_by_side(results: Iterable[Result], kinds: Sequence[str], name: str, title: str) -> Table:
    """Every contestant on the sets of some kinds; leaked characters, then recall, precision and F1 (and touched)."""
    chosen = [one for one in results if _SETS[one.set].kind in kinds]
    contestants = list(dict.fromkeys(one.contestant for one in chosen))
    by_key = {(one.contestant, one.set): one for one in chosen}
    rows = []
    for one in (one for one in SETS if one.kind in kinds):
        present = [by_key.get((contestant, one.name)) for contestant in contestants]
        if not any(present):
            continue
        rows.append([_name(one), *("" if found is None else _brief(one, found.all) for found in present)])
        if any(found is not None and found.valid for found in present):
            valid = ["" if found is None or found.valid is None else _brief(one, found.valid) for found in present]
            rows.append([f"{_name(one)}, valid numbers", *valid])
    return Table(name, title, ("set", *contestants), rows)


def speeds(results: Iterable[Result]) -> Table:
    """Kilobytes a second of CPU of each contestant, and of ours on the same sets."""
    chosen = list(results)
    ours = {one.set: one for one in chosen if one.contestant == OURS}
    rows = []
    for contestant in dict.fromkeys(one.contestant for one in chosen):
        own = [one for one in chosen if one.contestant == contestant]
        same = [ours[one.set] for one in own if one.set in ours]
        speed, our_speed = _speed(own), _speed(same)
        rows.append(
            [
                contestant,
                f"{sum(one.kilobytes for one in own):.0f}",
                f"{speed:,.0f}",
                f"{our_speed:,.0f}",
                f"{our_speed / speed:.1f} ×" if contestant != OURS else "",
            ]
        )
    return Table("speed", "speed on one core", ("", "KB read", "KB per CPU-s", "ours on the same", "ratio"), rows)


def write_docs(tables: Iterable[Table], path: Path = DOCS) -> None:
    """Put tables between their markers in docs/detection.md; a table without markers there is left out."""
    text = path.read_text(encoding="utf-8")
    for table in tables:
        begin, end = f"<!-- begin {table.name} -->", f"<!-- end {table.name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        new = f"{begin}\n{table.markdown()}\n{end}"
        text = pattern.sub(lambda _, new=new: new, text)  # type: ignore[misc]
    path.write_text(text, encoding="utf-8")


def summary(results: Sequence[Result]) -> Iterator[str]:
    """The targets that are not met, one line each."""
    for one in results:
        target, whole = _SETS[one.set].target, one.all
        for what, value, wanted in (
            ("recall", whole.recall, target.recall),
            ("precision", whole.precision, target.precision),
            ("F1", whole.f1, target.f1),
        ):
            if wanted is not None and value is not None and value < wanted:
                yield f"{one.set}: {what} {value:.3f}, wanted {wanted:.2f}"
        if target.touched is not None and whole.touched > target.touched * whole.negatives:
            yield f"{one.set}: {whole.touched} of {whole.negatives} touched, wanted {target.touched:.0%}"


def unmet(results: Sequence[Result]) -> Table:
    """The targets that ours falls short of, and by how much."""
    return Table("unmet", "targets not met", ("set", "short of"), [line.split(": ", 1) for line in summary(results)])


def _speed(results: Sequence[Result]) -> float:
    return sum(one.kilobytes for one in results) / max(sum(one.seconds for one in results), 1e-9)


def _name(one: EvaluationSet) -> str:
    return f"{one.name} (fifth)" if one.trained_on else one.name


def _cell(value: float | None, wanted: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (" ✗" if wanted is not None and value < wanted else "")


def _touched(found: Score, wanted: float | None = None) -> str:
    if not found.negatives:
        return "–"
    over = wanted is not None and found.touched > wanted * found.negatives
    return f"{found.touched} / {found.negatives}" + (" ✗" if over else "")


def _wanted(one: EvaluationSet) -> str:
    target = one.target
    parts = ["–" if value is None else f"{value:.2f}" for value in (target.recall, target.precision, target.f1)]
    shown = "" if parts == ["–"] * 3 else " / ".join(parts)
    if target.touched is not None:
        shown += f"{', ' if shown else ''}≤ {target.touched:.0%}"
    return shown


def _label_cell(row: LabelScore) -> str:
    return f"{row.leaked}: " + "/".join("–" if x is None else f"{x:.2f}" for x in (row.covered, row.f1))


def _brief(one: EvaluationSet, found: Score) -> str:
    if one.kind == "negatives":
        return f"{found.touched} / {found.negatives}"
    scores = "/".join("–" if x is None else f"{x:.2f}" for x in (found.recall, found.precision, found.f1))
    return f"{found.leaked}: {scores}"
