"""An examination looks at one gradient, asks what is wrong, and hands on to who knows why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from ...graphs.recording import sweep_back, watched_by
from ...graphs.source_line import SourceLine
from .cuts import find_cut
from .diagnosis import Diagnosis
from .event_log import Cut, EventLog, Sweep
from .flow import Flow, FlowPoint
from .gradient import SEVERITY, Verdict, norm, state_of
from .names import named_tensors
from .nonfinite import find_nonfinite, forward_origin
from .scale import find_scale
from .zeros import find_zero, inactive, is_relu


class Examination(NamedTuple):
    """A recorded program, the names of its leaves, and what was differentiated, if anything."""

    log: EventLog
    flow: Flow
    names: Mapping[Node, str]
    target: FlowPoint | None

    def name(self, leaf: Node) -> str:
        """Return what a leaf is called."""
        return self.names.get(leaf, "a leaf")

    def sweep_of(self, leaf: Node) -> Sweep | None:
        """Return the last sweep that reached a leaf, or the first whose gradient was bad."""
        reached = [sweep for sweep in self.log.sweeps if leaf in sweep.cotangents]
        bad = [s for s in reached if not np.isfinite(s.cotangents[leaf]).all()]
        return bad[0] if bad else reached[-1] if reached else None

    def is_recorded(self, node: Node) -> bool:
        """Return whether an operation was recorded, so that a gradient passes."""
        operation = self.flow.operations.get(node)
        return operation is not None and operation.recorded

    def gradient_of(self, leaf: Node) -> Any:
        """Return a leaf's gradient, or that of a function which keeps none on its leaves."""
        if leaf.grad is not None:
            return np.asarray(leaf.grad.data)
        noted = [cut for cut in self.flow.cuts if any(node is leaf for node, _ in cut.sources)]
        for cut in noted:
            if cut.how == "gradient":  # zeros, since no sweep came to it
                return np.asarray(cut.results[0][1])
        was_cleared = any(cut.how == "cleared" for cut in noted)
        sweep = self.sweep_of(leaf)
        return None if was_cleared or sweep is None else sweep.cotangents[leaf]

    def differentiate(self, seeds: Mapping[Node, Any], wanted: Iterable[Node]) -> dict[Node, Any]:
        """Return the gradients of leaves, and leave the sweep in the log."""
        with watched_by(self.log):
            found = sweep_back(dict(seeds))
        return {leaf: found.get(leaf) for leaf in wanted}

    def examine(self, leaf: Node, gradient: Array | None) -> Diagnosis:
        """Return the diagnosis of one leaf's gradient, an array or None."""
        sweep = self.sweep_of(leaf)
        greatest = self._greatest(sweep)
        state = state_of(gradient, greatest)
        finding = self._find(leaf, gradient, state, sweep)
        details = self._details(gradient, sweep) | finding.details
        return Diagnosis(
            self.name(leaf), state, finding.cause, finding.where, finding.explanation, details
        )

    def worst(self, gradients: Mapping[Node, Any]) -> Diagnosis:
        """Return the diagnosis of the gradient with the gravest state."""
        sweeps = [self.sweep_of(leaf) for leaf in gradients]
        greatest = max(map(self._greatest, sweeps), default=0.0)

        def gravity(leaf: Node) -> tuple[int, float]:
            gradient = gradients[leaf]
            size = 0.0 if gradient is None else norm(gradient)
            # Where two gradients are in the same state, the smaller one is shown.
            return SEVERITY.index(state_of(gradient, greatest)), size

        return self.examine(gravest := min(gradients, key=gravity), gradients[gravest])

    def _greatest(self, sweep: Sweep | None) -> float:
        if sweep is None:
            return 0.0
        norms = [norm(g) for n, g in sweep.cotangents.items() if n.primitive is None]
        return max((size for size in norms if np.isfinite(size)), default=0.0)

    def _find(self, leaf: Node, gradient: Array | None, state: str, sweep: Sweep | None) -> Verdict:
        if state == "none":
            return self._absent(leaf, sweep)
        if sweep is not None and _is_bad(sweep.start.output):
            return forward_origin(self.flow, sweep.start)
        assert gradient is not None  # else the state would be "none"
        if state == "fine":
            return Verdict("fine", None, _fine(gradient), {})
        if sweep is None and self._was_not_reached(leaf):
            # What was differentiated is not known: the numbers are followed as far as they went.
            return self._replace(target=None)._absent(leaf, sweep)
        if sweep is None:
            return _unseen(gradient)
        if state in ("nan", "inf"):
            return find_nonfinite(self.flow, sweep) or _unseen(gradient)
        if state == "zero":
            return find_zero(self.flow, sweep, leaf)
        return find_scale(self.flow, sweep, leaf, tiny=state == "tiny")

    def _was_not_reached(self, leaf: Node) -> bool:
        """Return whether a function of the engine gave zeros, since no sweep came to a leaf."""
        notes = (cut for cut in self.flow.cuts if cut.how == "gradient")
        return any(node is leaf for cut in notes for node, _ in cut.sources)

    def _absent(self, leaf: Node, sweep: Sweep | None) -> Verdict:
        if sweep is not None:
            size = norm(sweep.cotangents[leaf])
            words = f"a backward pass gave it one of norm {size:.3g}, which was forgotten since"
            return Verdict("cleared", self._cleared(leaf), words, {"norm": size})
        finding = find_cut(self.flow, leaf, self.target)
        if finding is not None:
            return finding
        made = isinstance(self.target, Node)
        where = self.flow.lines.get(self.target) if isinstance(self.target, Node) else None
        words = "it leads to the value computed here" if made and where else "it was used"
        return Verdict("no_backward", where, f"{words}, but no backward pass came back to it", {})

    def _cleared(self, leaf: Node) -> SourceLine | None:
        """Return where a gradient was last forgotten."""
        lines = [
            cut.line
            for cut in self.flow.cuts
            if cut.how == "cleared" and any(node is leaf for node, _ in cut.sources)
        ]
        return lines[-1] if lines else None

    def _details(self, gradient: Array | None, sweep: Sweep | None) -> dict[str, Any]:
        details: dict[str, Any] = {}
        if gradient is not None:
            details["norm"] = norm(gradient)
        if sweep is not None:
            details["layers"] = {
                self.names[node]: norm(g)
                for node, g in sweep.cotangents.items()
                if node in self.names
            }
            details["inactive_units"] = inactive_units(self.flow, sweep)
        return details


def _is_bad(value: Array | None) -> bool:
    return value is not None and not np.isfinite(value).all()


def inactive_units(flow: Flow, sweep: Sweep) -> dict[str, float]:
    """Return for every ReLU in the order of their use the percentage of units that never fire."""
    found = [node for node in sweep.parts if is_relu(node) and node.output.size]
    found.sort(key=lambda node: node.order)
    return {
        f"relu {n} at {flow.lines.get(node) or 'an unknown line'}": inactive(node)
        for n, node in enumerate(found, 1)
    }


def _fine(gradient: Array) -> str:
    entries = np.asarray(gradient)
    if entries.size == 0:
        return f"it has shape {entries.shape}, without any entry"
    zeros = int(entries.size - np.count_nonzero(entries))
    words = f"norm {norm(entries):.4g}, entries from {entries.min():.4g} to {entries.max():.4g}"
    return words + (f", {zeros} of {entries.size} of them zero" if zeros else "")


def _unseen(gradient: Array) -> Verdict:
    size = norm(gradient)
    words = f"its norm is {size:.4g}, but the pass that made it was not recorded"
    return Verdict("unknown", None, words, {})


def examination_of(log: EventLog, scope: Mapping[str, Any]) -> Examination:
    """Return the examination of a log, by the names of the caller's variables."""
    known = list(named_tensors(scope))
    flow = Flow(log, (x for _, x in known))
    names = {x.node: name for name, x in reversed(known) if x.node is not None}
    return Examination(log, flow, names, _target(log, flow))


def _target(log: EventLog, flow: Flow) -> FlowPoint | None:
    """Return what was refused or differentiated last; or else what was computed last."""
    last = flow.places[-1] if flow.places else None
    if isinstance(last, Cut) and last.refused:
        return last
    if log.sweeps:
        return log.sweeps[-1].start
    made = [p for p in flow.places if isinstance(p, Node) and p.primitive is not None]
    return made[-1] if made else None
