"""A campaign runs many random programs and counts what the tiers made of them."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .generator import generate
from .outcomes import Outcome, Trial
from .program import Program
from .shrink import shrunk
from .tiers import NATIVE

# What became of a run in the tiers that have native code.
_FATES = {
    "wrong": "wrong",
    "refused": "refused",
    "native": "ran natively",
    "doubt": "in doubt, so NumPy decided",
    "portable": "left to NumPy",
}
# Programs that a tier may refuse are counted apart: that they do is what they are for.
MOST_SHOWN = 10
SORTS = ("ordinary", "special", "ordinary, refusable", "special, refusable")


@dataclass(frozen=True)
class Failure:
    """A program and what is wrong with it in one tier."""

    seed: int
    program: Program
    outcome: Outcome

    def __str__(self) -> str:
        said = self.outcome.wrong or f"refused: {self.outcome.refused}"
        return f"# program {self.seed}, {self.outcome.tier}: {said}\n{self.program}"

    def shrunk(self) -> Failure:
        """Return the same failure of a smaller program."""
        is_wrong = bool(self.outcome.wrong)

        def fails(program: Program) -> bool:
            found = Trial(program).in_tier(self.outcome.tier)
            return bool(found.wrong if is_wrong else found.refused)

        program = shrunk(self.program, fails)
        return Failure(self.seed, program, Trial(program).in_tier(self.outcome.tier))


@dataclass
class Report:
    """What became of the programs; a run is a program, or its gradient, in one tier."""

    programs: Counter[str] = field(default_factory=Counter)
    runs: dict[tuple[str, bool], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[Failure] = field(default_factory=list)

    def add(self, program: Program, outcome: Outcome) -> None:
        """Count a run."""
        fate = "wrong" if outcome.wrong else "refused" if outcome.refused else outcome.way
        is_native = outcome.tier.removeprefix("gradient, ") in NATIVE
        self.runs[sort_of(program), is_native][fate] += 1

    def __str__(self) -> str:
        return "\n".join([*map(self._lines, SORTS), *self._smallest()])

    def _lines(self, sort: str) -> str:
        every, native = self.runs[sort, False] + self.runs[sort, True], self.runs[sort, True]
        lines = [
            f"{sort}: {self.programs[sort]} programs, {every.total()} runs: "
            f"{every['wrong']} wrong, {every['refused']} refused",
            f"  of {native.total()} runs in tiers with native code:",
        ]
        for fate, title in _FATES.items():
            share = native[fate] / max(1, native.total())
            lines.append(f"    {title:24} {native[fate]:6} {share:7.1%}")
        return "\n".join(lines)

    def _smallest(self) -> list[str]:
        """Return the first failure of a few programs, as little as shows it."""
        first = {failure.seed: failure for failure in reversed(self.failures)}
        return [str(first[seed].shrunk()) for seed in sorted(first)[:MOST_SHOWN]]


def sort_of(program: Program) -> str:
    """Return which sort a program is of."""
    return ("special" if program.is_special else "ordinary") + (
        ", refusable" if program.may_be_refused else ""
    )


@functools.lru_cache(256)
def trial(seed: int) -> Trial:
    """Return the program of a seed with what plain runs give."""
    return Trial(generate(seed))


def run(seeds: Iterable[int]) -> Report:
    """Run the programs of these seeds in every tier."""
    report = Report()
    for seed in seeds:
        program = trial(seed).program
        report.programs[sort_of(program)] += 1
        for outcome in trial(seed).outcomes():
            report.add(program, outcome)
            if is_failure(program, outcome):
                report.failures.append(Failure(seed, program, outcome))
    return report


def is_failure(program: Program, outcome: Outcome) -> bool:
    """Return whether a tier did what it must not do.

    No number may be wrong. Nothing is refused that no line asks for, and with ordinary numbers no
    native code lets the graph decide. Only written source, which has no graph at hand, may stop at
    special values where it is in doubt about a product 0·∞.
    """
    if outcome.wrong:
        return True
    if outcome.refused:
        is_doubt = program.is_special and outcome.refused.startswith("FloatingPointError")
        return not (program.may_be_refused or (is_doubt and "written" in outcome.tier))
    return outcome.way == "doubt" and not program.is_special
