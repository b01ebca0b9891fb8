"""Steps are a training that is taken step by step, forward, and back to any step it came by.

All steps are taken in one tier, whatever the pace: native code where the model has it, and eager
steps where it has none. Pauses and paces change no bit of what comes out.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from ..core.annotations import Array
from ..data import rows
from ..errors import DivergedError
from ..graphs.recording import enable_grad
from ..training.eager_run import eager_steps
from ..training.epochs import Position, epoch_record, take_steps, validate
from ..training.history import History
from ..training.native_run import NativeRun
from ..training.task import Task, prepare
from ..training.tiers import fastest_run
from .moments import Moment, Moments
from .setup import Setup

# So many epochs have a place in the table that native code fills.
MOST_EPOCHS = 1_000_000


class Steps:
    """A training under way.

    Parameters
    ----------
    setup : Setup

    Attributes
    ----------
    task : Task
    history : History
        What was recorded at the end of each epoch.
    diverged : str
        Why no further step can be taken; empty where one can.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup, self.history = setup, History(seed=rows.as_seed(setup.seed))
        self.task: Task = prepare(
            setup.make_model(),
            setup.problem.train,
            loss=setup.loss,
            optimizer=setup.make_optimizer,
            batch_size=setup.batch_size,
            validation=setup.problem.test,
        )
        self.task.seed = self.history.seed
        self.task.model.train()
        self.diverged = ""
        self._position = Position()
        self._native: NativeRun | None = None
        self._is_begun = False
        self.moments = Moments(self.moment())

    @property
    def model(self) -> Any:
        """The model as it is now; in training mode."""
        return self.task.model

    @property
    def taken(self) -> int:
        """How many steps were taken."""
        return self.task.optimizer.steps

    @property
    def epoch(self) -> int:
        """How many epochs are over."""
        return len(self.history)

    @property
    def tier(self) -> str:
        """In which tier the steps are taken; nothing before the first one."""
        return ("native" if self._native else "eager") if self._is_begun else ""

    def batch(self) -> tuple[Array, ...]:
        """Return the rows of the step to come."""
        task, start = self.task, self.position().step
        order = task.order(self.epoch)
        chosen = slice(None) if order is None else order
        part = slice(start * task.batch_size, (start + 1) * task.batch_size)
        return tuple(array[chosen][part] for array in task.data)

    def position(self) -> Position:
        """Return how far the present epoch is."""
        position = self._native.position() if self._native else self._position
        return Position() if position is None else position

    # --- forward

    def take(self, steps: int) -> None:
        """Take so many steps, or fewer if the training diverges or the epochs run out."""
        if self.diverged or steps < 1:
            return
        self.prepare()
        self.moments.keep(self.moment())
        try:
            with enable_grad():
                if self._native:
                    self._native.take(steps)
                else:
                    self._take_eagerly(steps)
        except DivergedError as error:
            self.diverged = str(error)

    def prepare(self) -> None:
        """Choose the tier before the first step; native code takes a moment to be made."""
        if self._is_begun:
            return
        # A model of the user's may do more than compute, and is not traced unasked.
        wanted = "auto" if self.setup.is_own_model else "prefer"
        run = fastest_run(self.task, self.history, epochs=MOST_EPOCHS, compile=wanted)
        self._native = run if isinstance(run, NativeRun) else None
        self.history.tier = "native" if self._native else "eager"
        self._is_begun = True

    def _take_eagerly(self, steps: int) -> None:
        task, history = self.task, self.history
        take = eager_steps(task)
        while steps and len(history) < MOST_EPOCHS:
            position = self._position
            before = position.step
            batches = task.batches(len(history), task.order(len(history)), before)
            take_steps(task, take, islice(batches, steps), history, position)
            steps -= position.step - before
            if position.step == task.steps:
                history.append(**epoch_record(task, history, position), **validate(task))
                task.model.train()
                self._position = Position()

    def steps_to_next_epoch(self) -> int:
        """Return how many steps are left of the present epoch."""
        return self.task.steps - self.position().step

    def change(self, setup: Setup) -> bool:
        """Go on with the optimiser's settings of another setup, if the update keeps its form."""
        optimizer = self.task.optimizer
        groups = setup.make_optimizer(list(optimizer.params)).groups
        before = [dict(group) for group in optimizer.groups]
        shaping = optimizer.shaping
        for group, new in zip(optimizer.groups, groups, strict=True):
            group.update(new)
        if optimizer.shaping != shaping:
            optimizer.groups = before
            return False
        self.setup = setup
        return True

    # --- back

    def before(self) -> dict[str, Array]:
        """Return the parameters before the latest step by name; nothing before the first one."""
        if not self.taken or self.diverged:
            return {}
        snapshot = self._native.before_last() if self._native else self.task.latest_finite
        held = {id(t): x for t, x in zip(snapshot.tensors, snapshot.arrays, strict=True)}
        named = self.model.named_parameters()
        return {name: held[id(p)] for name, p in named if id(p) in held}

    def moment(self) -> Moment:
        """Return where the training stands."""
        now = self.position()
        copied = Position(now.step, now.rows, now.loss_so_far, now.sums)
        return Moment(self.task.snapshot(), copied, self.epoch)

    def back_to(self, step: int) -> None:
        """Go back to where the training stood after so many steps, to the bit."""
        self.rewind(step)
        self.take(step - self.taken)

    def rewind(self, step: int) -> None:
        """Go back to the latest moment that is kept up to a step; `take` leads on from there."""
        if step < self.taken or self.diverged:
            self._restore(self.moments.before(max(0, step)))

    def _restore(self, moment: Moment) -> None:
        history = self.history
        state = history.to_state()
        kept = {name: numbers[: moment.epochs] for name, numbers in state["records"].items()}
        history.restore({"seed": history.seed, "records": kept if moment.epochs else {"loss": []}})
        moment.snapshot.restore()
        self.diverged = ""
        position = moment.position
        if self._native:
            self._native.resume(position)
        else:
            self._position = Position(
                position.step, position.rows, position.loss_so_far, position.sums
            )
