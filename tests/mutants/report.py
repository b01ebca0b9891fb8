"""What the trials have shown, as a page and as data for the next run."""

from __future__ import annotations

import json
from pathlib import Path


def summary(trials, left_out: int) -> str:
    """Say in one line how many mutants there were, and what share of them was caught."""
    caught = sum(trial.is_caught for trial in trials)
    share = f"{caught / len(trials):.1%}" if trials else "none"
    return f"{len(trials)} mutants, {caught} caught ({share}), {left_out} equivalent left out"


def page(trials, left_out: dict) -> str:
    """Return the report: the survivors one by one, the equivalent with reasons, the caught."""
    lines = ["# Mutants", "", summary(trials, len(left_out)), "", "## Survived", ""]
    lines += [_survivor(trial) for trial in trials if not trial.is_caught]
    lines += ["", "## Equivalent", ""]
    lines += [f"- {describe(mutant)}\n  {reason}" for mutant, reason in left_out.items()]
    lines += ["", "## Caught", ""]
    lines += [
        f"- {describe(trial.mutant)}\n  {trial.how}: {trial.caught_by}"
        for trial in trials
        if trial.is_caught
    ]
    return "\n".join(lines) + "\n"


def _survivor(trial):
    how = f"{trial.how} {trial.ran} of the {trial.executing} tests that execute it"
    return f"- {describe(trial.mutant)}\n  {how if trial.ran else trial.how}"


def line(trial) -> str:
    """Say in one line what became of a mutant."""
    mutant = trial.mutant
    fate = f"caught by {trial.caught_by}" if trial.is_caught else f"{trial.how.upper()}: "
    change = "" if trial.is_caught else f"{mutant.before}  →  {mutant.after}"
    return f"{mutant.file}:{mutant.line} {fate}{change}"


def describe(mutant) -> str:
    """Return where a mutant stands and what it changes, in three lines."""
    where = f"{mutant.file}:{mutant.line} {mutant.within} ({mutant.kind})"
    return f"{where}\n  `{mutant.before}`\n  `{mutant.after}`"


def write(folder: Path, trials, left_out: dict) -> None:
    """Write `report.md`, and `survivors.json` with the keys of those that were not caught."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(page(trials, left_out), encoding="utf-8")
    survivors = [trial.mutant.key for trial in trials if not trial.is_caught]
    (folder / "survivors.json").write_text(json.dumps(survivors, indent=1), encoding="utf-8")
