"""Figures of a review over a corpus: what was detected, located and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from adjoint.review import check_backward


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
    misses: list = field(default_factory=list)

    def __str__(self):
        lines = [
            f"right layers: {self.right}, false alarms: {len(self.alarms)}",
            *(f"  false alarm: {text}" for text in self.alarms),
            f"wrong layers: {self.wrong}",
            f"  detected: {self.detected} ({self.detected / max(self.wrong, 1):.1%})",
            f"  located:  {self.located} ({self.located / max(self.wrong, 1):.1%})",
            f"  named:    {self.named} ({self.named / max(self.wrong, 1):.1%})",
            "confusion (made → named: count):",
        ]
        lines += [f"  {a:22} → {b:22} {n:4}" for (a, b), n in sorted(self.confusion.items())]
        return "\n".join(lines)


def is_located(review, layer):
    """Return whether the wrong gradients are those of the oracle, and the first term the mutated.

    Where the pass raises, only the first gradient can be asked for: it must be one that the mutated
    statement flows into. Where several gradients are wrong because of one shared term, the finding
    must lie in a shared term, or else be that of a gradient itself.
    """
    first = review.findings[0]
    if first.gradient not in layer.label["gradients"]:
        return False
    reported = {found.gradient for found in review.findings}
    crashed = first.got is None and first.got_shape is None and len(review.findings) == 1
    return crashed or reported == set(layer.label["wrong"])


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
