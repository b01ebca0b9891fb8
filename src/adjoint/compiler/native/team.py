"""A team is the thread that trains and a partner with which it shares large products of matrices.

A product is computed in panels of columns. Each thread takes the next panel as long as there is
one. So neither waits for longer than a panel takes, and the numbers do not depend on which thread
computes which panel. The partner sleeps between products.

The system may keep the partner from running, if the other core has something else to do. The
training thread then waits for a panel that the partner has begun. So there is an exponential
back-off: after a long wait the training thread computes some products alone, and twice as many each
time if the last long wait was a short while ago.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from .machine import Library
from .memory_block import MemoryBlock
from .target import Target

# The positions in the team's memory, in bytes. What both threads write has a line of the cache of
# its own, or each write would take the line away from the other core.
#
# * epoch: the number of the present product; the partner sleeps until it changes
# * next: the next panel to be taken, and in the upper half the number of the product that it
#   belongs to, so that a partner who comes late takes none of another product
# * busy: whether the partner is computing a panel
# * job: the arguments of the present product
# * active: whether there is a partner
# * pause: how many of the next products are to be computed alone
# * patience: how many products the last pause had
# * calm: how many products were shared since the last long wait
_EPOCH, _NEXT, _BUSY, _JOB, _ACTIVE, _PAUSE, _PATIENCE, _CALM = 0, 64, 128, 192, 256, 264, 272, 280
SIZE = 320
# The numbers of the system call `futex`, by which a thread sleeps until a number in memory changes.
_FUTEX = {"x86_64": 202, "AMD64": 202, "aarch64": 98}
# How often a thread looks at a number before it goes to sleep, and before a wait counts as long:
# this takes some ten and some hundred microseconds.
_LOOKS_BEFORE_SLEEP, _LOOKS_OF_LONG_WAIT = 20_000, 200_000
# The back-off, counted in products: the length of a pause after a long wait, and the greatest
# length to which pauses grow by doubling. If so many products were shared since the last long wait,
# the next pause is a first one again.
_FIRST_PAUSE, _LONGEST_PAUSE, _CALM_AGAIN = 16, 1 << 13, 1000


def can_share() -> bool:
    """Return whether this process may use a second core, and the system has `futex`.

    ``OMP_NUM_THREADS=1`` asks for one thread only; joblib sets it in processes that it runs side by
    side.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    is_asked_alone = os.environ.get("OMP_NUM_THREADS") == "1"
    is_known = sys.platform == "linux" and platform.machine() in _FUTEX
    return is_known and cores > 1 and not is_asked_alone


def with_partner(target: Target) -> Target:
    """Return a target of this computer with a second thread, if this process may use one."""
    return target._replace(futex=_FUTEX[platform.machine()]) if can_share() else target


_lock = threading.Lock()
_loners = 0


def _renew_lock() -> None:
    """Give a forked child a new lock: the old one may be held by a thread that it does not have."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def alone() -> Iterator[None]:
    """Give no partner to trainings that begin inside the ``with`` block, in any thread."""
    global _loners
    with _lock:
        _loners += 1
    try:
        yield
    finally:
        with _lock:
            _loners -= 1


def is_alone() -> bool:
    """Return whether some `alone` block is open."""
    return _loners > 0


_TEXT = """
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
define internal void @share(ptr %team, ptr %panel, i64 %count, i64 %span,
    ptr %a, ptr %b, ptr %c, ptr %own, ptr %other) #0 {{
entry:
  %epoch.at = getelementptr i8, ptr %team, i64 {epoch}
  %next.at = getelementptr i8, ptr %team, i64 {next}
  %busy.at = getelementptr i8, ptr %team, i64 {busy}
  %job.at = getelementptr i8, ptr %team, i64 {job}
  %active.at = getelementptr i8, ptr %team, i64 {active}
  %pause.at = getelementptr i8, ptr %team, i64 {pause}
  %patience.at = getelementptr i8, ptr %team, i64 {patience}
  %calm.at = getelementptr i8, ptr %team, i64 {calm}
  %active = load i64, ptr %active.at
  %has.partner = icmp ne i64 %active, 0
  br i1 %has.partner, label %perhaps, label %alone
perhaps:
  %pause = load i64, ptr %pause.at
  %pauses = icmp sgt i64 %pause, 0
  br i1 %pauses, label %pausing, label %together
pausing:
  %less = sub i64 %pause, 1
  store i64 %less, ptr %pause.at
  br label %alone
alone:
  br label %panels
panels:
  %i = phi i64 [0, %alone], [%i.next, %panels]
  %column = mul i64 %i, %span
  call void %panel(ptr %a, ptr %b, ptr %c, ptr %own, i64 %column)
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %panels, label %end
together:
  %calm.before = load i64, ptr %calm.at
  %calm.now = add i64 %calm.before, 1
  store i64 %calm.now, ptr %calm.at
  %before = load i32, ptr %epoch.at
  %epoch = add i32 %before, 1
  %wide = zext i32 %epoch to i64
  %first = shl i64 %wide, 32
  %closed = or i64 %first, 4294967295
  store atomic i64 %closed, ptr %next.at seq_cst, align 8
  {stores}
  store atomic i64 %first, ptr %next.at seq_cst, align 8
  store atomic i32 %epoch, ptr %epoch.at seq_cst, align 4
  %woken = call i64 (i64, ...) @syscall(i64 {futex}, ptr %epoch.at, i32 129, i32 1)
  br label %claim
claim:
  %v = load atomic i64, ptr %next.at seq_cst, align 8
  %low = and i64 %v, 4294967295
  %open = icmp ult i64 %low, %count
  br i1 %open, label %try, label %wait
try:
  %v.next = add i64 %v, 1
  %pair = cmpxchg ptr %next.at, i64 %v, i64 %v.next seq_cst seq_cst
  %won = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %won, label %work, label %claim
work:
  %at = mul i64 %low, %span
  call void %panel(ptr %a, ptr %b, ptr %c, ptr %own, i64 %at)
  br label %claim
wait:
  %n = phi i64 [0, %claim], [%n.next, %again]
  %busy = load atomic i32, ptr %busy.at seq_cst, align 4
  %idle = icmp eq i32 %busy, 0
  br i1 %idle, label %done, label %again
again:
  %n.next = add i64 %n, 1
  %is.long = icmp sgt i64 %n.next, {long}
  br i1 %is.long, label %kept, label %wait
kept:
  %calm = load i64, ptr %calm.at
  %is.soon = icmp slt i64 %calm, {calm_long}
  %patience = load i64, ptr %patience.at
  %doubled = mul i64 %patience, 2
  %is.most = icmp sgt i64 %doubled, {many}
  %more.patience = select i1 %is.most, i64 {many}, i64 %doubled
  %chosen = select i1 %is.soon, i64 %more.patience, i64 {few}
  store i64 %chosen, ptr %patience.at
  store i64 %chosen, ptr %pause.at
  store i64 0, ptr %calm.at
  br label %yield
yield:
  %yielded = call i32 @sched_yield()
  %busy.still = load atomic i32, ptr %busy.at seq_cst, align 4
  %free = icmp eq i32 %busy.still, 0
  br i1 %free, label %done, label %yield
done:
  br label %end
end:
  ret void
}}
define void @partner(ptr %team) #0 {{
entry:
  %epoch.at = getelementptr i8, ptr %team, i64 {epoch}
  %next.at = getelementptr i8, ptr %team, i64 {next}
  %busy.at = getelementptr i8, ptr %team, i64 {busy}
  %job.at = getelementptr i8, ptr %team, i64 {job}
  %active.at = getelementptr i8, ptr %team, i64 {active}
  br label %rest
rest:
  %seen = phi i32 [0, %entry], [%now, %leave]
  br label %look
look:
  %n = phi i64 [0, %rest], [%n.next, %still], [{briefly}, %sleep]
  %now = load atomic i32, ptr %epoch.at seq_cst, align 4
  %same = icmp eq i32 %now, %seen
  br i1 %same, label %still, label %start
still:
  %n.next = add i64 %n, 1
  %is.long = icmp sgt i64 %n.next, {briefly}
  br i1 %is.long, label %sleep, label %look
sleep:
  %slept = call i64 (i64, ...) @syscall(i64 {futex}, ptr %epoch.at, i32 128, i32 %seen, ptr null)
  br label %look
start:
  %active = load atomic i64, ptr %active.at seq_cst, align 8
  %over = icmp eq i64 %active, 0
  br i1 %over, label %end, label %enter
enter:
  store atomic i32 1, ptr %busy.at seq_cst, align 4
  br label %claim
claim:
  %v = load atomic i64, ptr %next.at seq_cst, align 8
  %high = lshr i64 %v, 32
  %of = trunc i64 %high to i32
  %is.ours = icmp eq i32 %of, %now
  br i1 %is.ours, label %compare, label %leave
compare:
  {loads}
  %low = and i64 %v, 4294967295
  %open = icmp ult i64 %low, %count
  br i1 %open, label %try, label %leave
try:
  %v.next = add i64 %v, 1
  %pair = cmpxchg ptr %next.at, i64 %v, i64 %v.next seq_cst seq_cst
  %won = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %won, label %work, label %claim
work:
  %at = mul i64 %low, %span
  call void %panel(ptr %a, ptr %b, ptr %c, ptr %other, i64 %at)
  br label %claim
leave:
  store atomic i32 0, ptr %busy.at seq_cst, align 4
  br label %rest
end:
  ret void
}}
"""
# The parameters of `share` that a partner needs, in the order in which they lie in the job.
_JOBS = (
    ("panel", "ptr"),
    ("count", "i64"),
    ("span", "i64"),
    ("a", "ptr"),
    ("b", "ptr"),
    ("c", "ptr"),
    ("other", "ptr"),
)


def write_team(target: Target) -> str:
    """Return the text of ``share``, which computes a product, and of the thread ``partner``."""
    places = [f"%job{n} = getelementptr i8, ptr %job.at, i64 {8 * n}" for n in range(len(_JOBS))]
    stores = [f"store {kind} %{name}, ptr %job{n}" for n, (name, kind) in enumerate(_JOBS)]
    loads = [f"%{name} = load {kind}, ptr %job{n}" for n, (name, kind) in enumerate(_JOBS)]
    return _TEXT.format(
        epoch=_EPOCH,
        next=_NEXT,
        busy=_BUSY,
        job=_JOB,
        active=_ACTIVE,
        pause=_PAUSE,
        patience=_PATIENCE,
        futex=target.futex,
        long=_LOOKS_OF_LONG_WAIT,
        few=_FIRST_PAUSE,
        many=_LONGEST_PAUSE,
        calm=_CALM,
        calm_long=_CALM_AGAIN,
        briefly=_LOOKS_BEFORE_SLEEP,
        stores="\n  ".join([*places, *stores]),
        loads="\n  ".join([*places, *loads]),
    )


class Partner:
    """A thread that shares the work, as long as this object lives.

    Parameters
    ----------
    library : Library
        A library with the function ``partner``.
    memory : MemoryBlock
        It begins with the memory of the team. The thread keeps both alive until it ends.
    """

    def __init__(self, library: Library, memory: MemoryBlock) -> None:
        memory.integers(_ACTIVE)[:2] = 1, 0
        memory.integers(_PATIENCE)[0] = _FIRST_PAUSE
        self.thread = threading.Thread(
            target=_take_part, args=(library, memory), name="adjoint partner", daemon=True
        )
        self.thread.start()
        weakref.finalize(self, _dismiss, memory)


def _take_part(library: Library, memory: MemoryBlock) -> None:
    library.function("partner", None, ctypes.c_void_p)(memory.address)


def _dismiss(memory: MemoryBlock) -> None:
    """Let the thread end: it wakes since the epoch changes, and finds that it is not active."""
    memory.integers(_ACTIVE)[0] = 0
    memory.integers(_EPOCH)[0] += 1
    libc = ctypes.CDLL(None)
    libc.syscall(
        ctypes.c_long(_FUTEX[platform.machine()]),
        ctypes.c_void_p(memory.address + _EPOCH),
        ctypes.c_int(129),
        ctypes.c_int(1),
    )
