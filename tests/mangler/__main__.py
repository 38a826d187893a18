"""Print what each form of placeholder survives: `python -m tests.mangler`, under a minute."""

from random import Random

from rich.console import Console
from rich.table import Table

from tests.mangler import ALL, pairs
from tests.mangler.draft import Mangling
from tests.mangler.grammars import GRAMMARS, Grammar
from tests.mangler.trial import Count, case, try_out

CASES = [case(seed) for seed in range(6)]


def alone(grammar: Grammar, mangling: Mangling) -> Count:
    """One mangling, in every text."""
    total = Count()
    for seed, one in enumerate(CASES):
        total = total.plus(try_out(one, grammar, [mangling], Random(seed)))
    return total


def paired(grammar: Grammar) -> Count:
    """Every pair, each in one text."""
    total = Count()
    for number, pair in enumerate(pairs()):
        total = total.plus(try_out(CASES[number % len(CASES)], grammar, pair, Random(number)))
    return total


def main() -> None:
    """One line a form; then what ours does not survive."""
    table = Table("form", "characters", "alone: restored", "wrong", "in pairs: restored", "wrong")
    lost = []
    for grammar in GRAMMARS:
        total = Count()
        for mangling in ALL:
            count = alone(grammar, mangling)
            total = total.plus(count)
            if grammar.ours and count.rate < 1:
                lost.append(f"{mangling.name} ({count.rate:.2f})")
        both = paired(grammar)
        table.add_row(
            f"{grammar.name} {grammar.example}".replace("[", "\\["),
            str(len(grammar.example)),
            f"{total.rate:.3f}",
            str(total.wrong),
            f"{both.rate:.3f}",
            str(both.wrong),
        )
    console = Console(width=120)
    console.print(table)
    console.print(f"{len(ALL)} manglings; not (always) undone in ours: {', '.join(lost)}", markup=False)


if __name__ == "__main__":
    main()
