"""An epoch loop runs the native code of whole epochs, and keeps the state from call to call."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.spec import Spec
from ...errors import ShapeError
from . import team
from .epoch_record import (
    AHEAD,
    BEST,
    EPOCH,
    INTEGERS,
    IS_PLATEAU,
    KEPT,
    MOST_WORSE,
    ROW,
    SIGN,
    STATES,
    STATUS,
    STEP,
    STEPS_LEFT,
    STRIDE,
    SUM,
    SUM_BEFORE,
    SUMS,
    TAIL,
    TOLERANCE,
    TURN,
    WATCHED,
    WORDS,
    WORSE,
    Order,
    Status,
    ahead_words,
)
from .memory_block import MemoryBlock, aligned_zeros
from .team import Partner
from .training_code import TrainingCode

# The bytes of the widest vectors.
_WIDEST = 64


class Patience:
    """How many epochs a training goes on without a better loss, or another better number.

    Attributes
    ----------
    most : int
        The greatest number of epochs in a row that may be no better.
    tolerance : float
        By how much a number must be less than the best one to be better.
    best : float
        The least number so far.
    worse : int
        The number of epochs in a row that were no better, up to now.
    column : int
        Which number of an epoch it is, see `EpochLoop.table`.
    sign : {1, -1}
        -1 where more is better: then of all numbers the negative is taken.
    is_plateau : bool
        Whether the best number is the last that was better, as for `callbacks.EarlyStopping`, in
        which a first number is better than NaN; otherwise it is the least of all.
    keeps : bool
        Whether the state is kept with which the number was best.
    """

    def __init__(
        self,
        most: int,
        tolerance: float,
        best: float,
        worse: int,
        *,
        column: int = 0,
        sign: int = 1,
        is_plateau: bool = False,
        keeps: bool = False,
    ) -> None:
        self.most, self.tolerance, self.best, self.worse = most, tolerance, best, worse
        self.column, self.sign, self.is_plateau, self.keeps = column, sign, is_plateau, keeps


class EpochLoop:
    """A training under way: its states, its data and the order of the rows.

    Parameters
    ----------
    code : TrainingCode
    state : sequence of array
        The parameters, then the optimiser's memory; they are copied.
    data : sequence of (n, …) array
        The arrays from which batches take rows.
    epochs : int
        The greatest number of epochs in all.
    settings : sequence of number
    seed : int or None
        Determines the order of the rows, as in `adjoint.data.permutation`; None keeps their order.
    held : sequence of (m, …) array
        What validates reads, if the code validates.

    Attributes
    ----------
    table : (epochs, k) array
        The mean loss of each epoch and the means of what else a step gives; then the same of the
        validation, if there is one.
    kept : list of array
        Copies of the state that a `Patience` kept.
    settings : (k,) or (steps, k) array
        One row for all steps, or one for each step of the next run. May be replaced between runs.

    Raises
    ------
    ShapeError
        If an array has another shape or dtype than was traced, or the rows cannot be divided into
        batches of the traced sizes.
    """

    def __init__(
        self,
        code: TrainingCode,
        state: Sequence[Array],
        data: Sequence[Array],
        *,
        epochs: int,
        settings: Sequence[float] | Array = (),
        seed: int | None,
        held: Sequence[Array] = (),
    ) -> None:
        graph, form = code.step, code.form
        self.code = code
        self._specs = [symbol.data for symbol in graph.inputs]
        dtype = self._specs[0].dtype
        assert code.steps.layout is not None
        self._layout = code.steps.layout
        # The copies of the state that the steps use in turn, see `epoch_code`.
        self._states = aligned_zeros((STATES, self._layout.size), dtype)
        self.settings = np.array([np.ravel(x) for x in settings], dtype).ravel()
        self._data = [
            _fitting(array, self._specs[position])
            for array, position in zip(data, form.batched(graph), strict=True)
        ]
        self.n = len(self._data[0])
        self._check_rows()
        self._steps_each = -(-self.n // code.form.rows(code.step))
        self._seed = seed
        self._place_orders()
        self._numbers = np.zeros(SUMS + 2 * code.form.sums)
        self.table = np.zeros((epochs, (1 + code.form.sums) * (2 if code.held else 1)))
        self._record = np.zeros(INTEGERS, np.int64)
        self._record[TAIL] = code.tail_address
        self._kept = aligned_zeros((0,), dtype)
        self._held = self._checked(held)
        self._held_order = np.arange(max(map(len, self._held), default=0) + 4 * _WIDEST)
        addresses = [array.ctypes.data for array in (self._held_order, *self._held)]
        rows = [len(array) for array in self._held[:1]]
        self._held_table = np.array([*addresses[:1], *rows, *addresses[1:]], np.int64)
        self._words: Array | None = None
        self._stepped_back = False
        self._workspace = MemoryBlock(code.steps.workspace, code.steps.constants)
        has_partner = code.steps.has_team and not team.is_alone()
        self._partner = Partner(code.library, self._workspace) if has_partner else None
        pointers = [ctypes.c_void_p] * (8 + len(self._data))
        self._train = code.library.function("train", None, *pointers, *[ctypes.c_int64] * 4)
        self.load(state, epoch=0)

    def feed(self, data: Sequence[Array]) -> None:
        """Go on with other rows, whose first epoch begins; the state stays as it is."""
        before = self._data
        self._data = [
            _fitting(array, Spec(old.shape, old.dtype))
            for array, old in zip(data, before, strict=True)
        ]
        self.n = len(self._data[0])
        self._check_rows()
        self._steps_each = -(-self.n // self.code.form.rows(self.code.step))
        self._place_orders()
        self._record[[EPOCH, STEP]] = 0, 0

    def _place_orders(self) -> None:
        """Make room for the order of the rows, and for the one that is drawn ahead."""
        self._order = _order_of(self.n, self.settings.dtype)
        self._ahead = np.zeros(ahead_words(0 if self._seed is None else self.n), np.int64)

    @property
    def epoch(self) -> int:
        """How many epochs are complete."""
        return int(self._record[EPOCH])

    @property
    def step(self) -> int:
        """How many steps of the present epoch are taken."""
        return int(self._record[STEP])

    @property
    def steps(self) -> int:
        """How many steps are taken in all epochs together."""
        return self.epoch * self._steps_each + self.step

    def steps_until(self, epoch: int) -> int:
        """Return how many steps are left before an epoch."""
        return epoch * self._steps_each - self.steps

    def losses(self, start: int = 0) -> list[float]:
        """Return the mean loss of every complete epoch, beginning with epoch ``start``."""
        losses: list[float] = self.table[start : self.epoch, 0].tolist()
        return losses

    @property
    def loss_so_far(self) -> float:
        """The sum of the losses of the rows that were seen in the present epoch."""
        return float(self._numbers[SUM]) if self.step else 0.0

    @property
    def sums_so_far(self) -> Array:
        """What else a step gives, added up over the steps of the present epoch."""
        sums: Array = self._numbers[SUMS : SUMS + self.code.form.sums] * (self.step > 0)
        return sums

    @property
    def order(self) -> Array:
        """The order of the rows in the present epoch; without a seed it may be replaced."""
        order: Array = self._order[: self.n].copy()
        return order

    @order.setter
    def order(self, order: Array | None) -> None:
        self._order[: self.n] = np.arange(self.n) if order is None else order

    @property
    def state(self) -> list[Array]:
        """Copies of the present parameters and memory."""
        return self._shaped(self._states[self._record[TURN]])

    @property
    def kept(self) -> list[Array]:
        """Copies of parameters and memory as a `Patience` kept them."""
        return self._shaped(self._kept)

    @property
    def previous(self) -> list[Array]:
        """Copies of parameters and memory before the last step, whose loss was finite.

        After a step back these are copies of the present ones: the state before is overwritten.
        """
        return self._shaped(self._states[self._record[TURN] - (0 if self._stepped_back else 1)])

    def load(self, state: Sequence[Array], *, epoch: int, loss: float | None = None) -> None:
        """Begin an epoch with a state; ``loss`` is the mean loss of the epoch before."""
        checked = [
            _of_spec(array, spec)
            for array, spec in zip(state, self._specs[: self.code.form.state], strict=True)
        ]
        for at, array in zip(self._layout.offsets, checked, strict=True):
            self._states[:, at : at + array.size] = array.ravel()
        self._record[[EPOCH, STEP]] = epoch, 0
        if loss is not None:
            self.table[epoch - 1, 0] = loss

    def resume(
        self, step: int, loss_so_far: float, order: Array | None, sums: Sequence[float] = ()
    ) -> None:
        """Go on after a number of steps of the present epoch, whose rows have an order."""
        self._record[STEP], self._numbers[SUM] = step, loss_so_far
        self._numbers[SUMS : SUMS + len(sums)] = sums
        self.order = order

    def reshuffle(self, rows: Array, words: Array) -> None:
        """Let each epoch shuffle the order of the epoch before; the first one shuffles ``rows``.

        Parameters
        ----------
        rows : (n,) array of int
        words : (625,) array of uint32
            The state of a Mersenne Twister, as `Reshuffle` has it; it is written to.

        Raises
        ------
        ValueError
            If the code was not made for that.
        """
        if not self.code.reshuffles:
            raise ValueError("this code shuffles no order of an epoch before")
        self.order, self._words = rows, words
        self._record[WORDS] = words.ctypes.data

    def run(self, until: int, *, steps: int, patience: Patience | None = None) -> Status:
        """Take at most ``steps`` steps, until an epoch is reached or the patience ends.

        Returns
        -------
        Status
            `PAUSED` if all of that was done, `STALLED` at the end of the epoch in which the
            patience ends. Otherwise it says why the training stopped: before a step whose loss is
            not finite; before a step whose result has NaN, which Python repeats, since a product
            0·∞ in it may have to be 0; or at the end of an epoch, if a parameter is not finite, or
            if Python must validate, because a number is not finite or in doubt.
        """
        settings = np.ascontiguousarray(self.settings, self._specs[0].dtype)
        stride = 0
        if settings.ndim == 2:
            steps, stride = min(steps, len(settings)), settings.shape[1]
        self._record[[STEPS_LEFT, ROW, STRIDE]] = steps, 0, stride
        self._record[AHEAD] = self._ahead.ctypes.data
        self._follow(patience)
        arrays = [self._record, self._states, settings, self._order, self._numbers, self.table]
        pointers = [array.ctypes.data for array in (*arrays, *self._data, self._held_table)]
        seed = self._seed or 0
        # ctypes passes a signed integer with the bits of the seed.
        key = seed - 2**64 if seed >= 2**63 else seed
        until = min(until, len(self.table))
        order = Order.KEPT if self._seed is None else Order.SHUFFLED
        order = order if self._words is None else Order.RESHUFFLED
        self._train(*pointers, self._workspace.address, self.n, key, order, until)
        self._stepped_back = steps > self._record[STEPS_LEFT] and self._is_step_in_doubt()
        if self._stepped_back:
            self._step_back()
        if patience is not None:
            patience.best, patience.worse = self._numbers[BEST], int(self._record[WORSE])
        return Status(self._record[STATUS])

    def _follow(self, patience: Patience | None) -> None:
        """Tell native code what is watched."""
        patience = patience or Patience(np.iinfo(np.int64).max, 0.0, 0.0, 0)
        if patience.keeps and not self._kept.size:
            self._kept = aligned_zeros((self._layout.size,), self._states.dtype)
        self._record[[WORSE, MOST_WORSE]] = patience.worse, patience.most
        self._record[[WATCHED, IS_PLATEAU]] = patience.column, patience.is_plateau
        self._record[KEPT] = self._kept.ctypes.data if patience.keeps else 0
        self._numbers[[BEST, TOLERANCE, SIGN]] = patience.best, patience.tolerance, patience.sign

    def _is_step_in_doubt(self) -> bool:
        """Return whether the last step, if one of this epoch, has left NaN in a parameter."""
        last = self.code.form.parameters - 1
        end = self._layout.offsets[last] + math.prod(self._specs[last].shape)
        return self.step > 0 and bool(np.isnan(self._states[self._record[TURN], :end]).any())

    def _step_back(self) -> None:
        """Undo the last step, so that Python can repeat it and decide about its NaN."""
        self._record[STATUS] = Status.STATE_HAS_NAN
        self._record[STEP] -= 1
        self._record[TURN] = (self._record[TURN] - 1) % STATES
        self._numbers[SUM] = self._numbers[SUM_BEFORE]
        sums = self._numbers[SUMS:].reshape(2, -1)
        sums[0] = sums[1]

    def _shaped(self, flat: Array) -> list[Array]:
        return [
            flat[at : at + math.prod(shape)].reshape(shape).copy()
            for at, (shape, _) in zip(self._layout.offsets, self._specs, strict=False)
        ]

    def _checked(self, held: Sequence[Array]) -> list[Array]:
        """Return what validation reads, each array in contiguous memory."""
        if len(held) != 2 * bool(self.code.held):
            raise ShapeError(f"{len(held)} arrays to validate; expected {2 * bool(self.code.held)}")
        found = []
        for graph in self.code.held[:1]:
            places = self.code.form.batched(graph)
            specs = [graph.inputs[place].data for place in places]
            found = [_fitting(array, spec) for array, spec in zip(held, specs, strict=True)]
        return found

    def _check_rows(self) -> None:
        """Raise if the rows cannot be divided into batches of the two graphs."""
        rows = self.code.form.rows(self.code.step)
        tail = 0 if self.code.tail is None else self.code.form.rows(self.code.tail)
        if any(len(array) != self.n for array in self._data):
            raise ShapeError(f"data of {[len(array) for array in self._data]} rows; give as many")
        if not self.n or self.n % rows not in (0, tail):
            raise ShapeError(
                f"{self.n} rows leave {self.n % rows} for the last batch, after batches of {rows}; "
                f"the compiled last batch has {tail}"
            )


def _order_of(n: int, dtype: np.dtype[Any]) -> Array:
    """Return the rows in their order; a step reads whole vectors, beyond the last row too."""
    order = np.zeros(n + 4 * _WIDEST // dtype.itemsize, np.int64)
    order[:n] = np.arange(n)
    return order


def _fitting(array: Array, spec: Spec) -> Array:
    """Return data in contiguous memory, or raise if its rows are not as traced."""
    return np.ascontiguousarray(_of_spec(array, spec, rows=len(array)))


def _of_spec(array: Array, spec: Spec, *, rows: int | None = None) -> Array:
    array = np.asarray(array)
    expected = spec.shape if rows is None else (rows, *spec.shape[1:])
    if array.shape != expected or array.dtype != spec.dtype:
        raise ShapeError(
            f"expected shape {expected} of {spec.dtype}, got {array.shape} of {array.dtype}"
        )
    return array
