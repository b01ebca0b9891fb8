"""Figures of a review over a corpus: what was detected, located and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from adjoint.explanation.review import check_backward


@dataclass
class Figures:
    """Counts over a corpus."""

    right: int = 0
    alarms: list = field(default_factory=list)
    wrong: int = 0
    detected: int = 0
    located: int = 0
    named: int = 0
    confusion: Counter = field(default_factory=Counter)
    kinds: set = field(default_factory=set)
    misses: list = field(default_factory=list)

    def __str__(self):
        lines = [
            f"right layers: {self.right}, false alarms: {len(self.alarms)}",
            *(f"  false alarm: {text}" for text in self.alarms),
            f"wrong layers: {self.wrong}, of {len(self.kinds)} kinds",
            f"  detected: {self.detected} ({self.detected / max(self.wrong, 1):.1%})",
            f"  located:  {self.located} ({self.located / max(self.wrong, 1):.1%})",
            f"  named:    {self.named} ({self.named / max(self.wrong, 1):.1%})",
            "confusion (made → named: count):",
        ]
        lines += [f"  {a:22} → {b:22} {n:4}" for (a, b), n in sorted(self.confusion.items())]
        return "\n".join(lines)


def is_located(review, layer):
    """Return whether the first wrong term is that of the mutated statement, and no other is blamed.

    `da = …` computes the term a. The gradients found wrong must be those that the oracle finds
    wrong; where the pass raises, only the first can be asked for.
    """
    first = review.findings[0]
    reported = set(review.wrong)
    raised = first.got_shape is None and len(reported) == 1
    all_found = raised or reported == set(layer.label["wrong"])
    return all_found and first.term == layer.label["statement"].removeprefix("d")


def measure(right, wrong):
    """Review every layer."""
    figures = Figures(len(right), wrong=len(wrong))
    for layer in right:
        review = check_backward(*layer.build())
        if not review:
            figures.alarms.append(f"{layer.name}: {review}")
    for layer in wrong:
        review = check_backward(*layer.build())
        made = layer.label["mistake"]
        named = review.mistake or "(right)"
        figures.confusion[made, named] += 1
        figures.kinds.add(layer.kind.name)
        figures.detected += not review
        located = bool(review.findings) and is_located(review, layer)
        figures.located += located
        figures.named += named == made
        if named != made or not located:
            where = "" if located else "  NOT LOCATED"
            figures.misses.append(
                f"{layer.name}: {layer.label['change']}: {made} → {named}{where}"
                f"  {[(f.gradient, f.term, f.detail) for f in review.findings][:2]}"
                f" {layer.label['gradients']} {layer.label['wrong']}"
            )
    return figures
