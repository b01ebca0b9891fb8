"""Epoch code is the native function that runs whole epochs without Python.

In each epoch it shuffles the rows, takes the steps, checks them, and notes the mean loss, the means
of what else is added up, and those of a validation. There are three copies of the state, used in
turn: a step reads one and writes the next. So a step that must not count is undone by not moving
on, and the state before the last step is still there. All that is remembered from call to call is
in an array of integers and an array of floats. The settings are a table with one row for each step,
or a single row for all of them. The rows of the data keep their order, or are shuffled in each
epoch, beginning with their own order or with that of the last epoch; then the steps draw the order
of the next epoch where they can, see `shuffle`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .epoch_record import STATES, SUMS, TAIL
from .formats import LLVM_TYPES, SIZES, widened
from .validation_code import write_validation

# The arguments of ``train`` are the record, the states, the settings, the order of the rows, the
# numbers, a table with a row for each epoch, the arrays of data, a table of what validation reads
# (the order of its rows, how many there are, and its arrays) and the workspace; then the number of
# rows, the key of the shuffle, an `Order`, and the epoch before which to end. The blocks of the
# text in turn:
#
# * ``epoch`` to ``reorder`` begin an epoch, or go on with one that was interrupted;
# * ``take``, ``full`` and ``short`` take a step, from the present state (``now``) to the next;
# * ``check``, ``scan`` and ``undecided`` stop before a step whose loss is not finite, or whose
#   result is in doubt, so that Python can take it;
# * ``accept`` makes the next state the present one;
# * ``finish`` checks after an epoch that the parameters are finite;
# * ``log`` notes the means of the epoch, and the blocks ``held`` to ``held.done`` validate;
# * ``watch`` to ``stall`` stop if what is watched has not become better for too long, and may keep
#   the state with which it was best.
_TEXT = """
define void @train(ptr %record, ptr %states, ptr %settings, ptr %order, ptr %numbers,
    ptr %table, {data}, ptr %held, ptr %workspace, i64 %n, i64 %key, i64 %shuffled,
    i64 %until) #0 {{
entry:
  %loss.at = alloca [{numbers} x {float}]
  %step.at = getelementptr i64, ptr %record, i64 1
  %status.at = getelementptr i64, ptr %record, i64 2
  %turn.at = getelementptr i64, ptr %record, i64 3
  %left.at = getelementptr i64, ptr %record, i64 4
  %row.at = getelementptr i64, ptr %record, i64 5
  %stride.at = getelementptr i64, ptr %record, i64 6
  %ahead.at = getelementptr i64, ptr %record, i64 14
  %ahead = load ptr, ptr %ahead.at
  store i64 0, ptr %status.at
  br label %epoch
epoch:
  %e = load i64, ptr %record
  %over = icmp sge i64 %e, %until
  br i1 %over, label %end, label %resume
resume:
  %left.before = load i64, ptr %left.at
  %none.left = icmp sle i64 %left.before, 0
  br i1 %none.left, label %end, label %enter
enter:
  %s = load i64, ptr %step.at
  %fresh.epoch = icmp eq i64 %s, 0
  br i1 %fresh.epoch, label %begin, label %turn
begin:
  store double 0.0, ptr %numbers
{forget}  switch i64 %shuffled, label %turn [i64 1, label %reorder {again}]
{reshuffle}reorder:
  call void @shuffle(ptr %order, i64 %n, i64 %key, i64 %e, ptr %ahead)
  br label %turn
turn:
  %left = load i64, ptr %left.at
  %spent = icmp sle i64 %left, 0
  br i1 %spent, label %end, label %take
take:
  %t = load i64, ptr %step.at
  %start = mul i64 %t, {batch}
  %stop = add i64 %start, {batch}
  %rows = getelementptr i64, ptr %order, i64 %start
  %f = load i64, ptr %turn.at
  %f.up = add i64 %f, 1
  %f.wraps = icmp eq i64 %f.up, {states}
  %f.new = select i1 %f.wraps, i64 0, i64 %f.up
  %now.entry = mul i64 %f, {padded}
  %now = getelementptr {float}, ptr %states, i64 %now.entry
  %new.entry = mul i64 %f.new, {padded}
  %new = getelementptr {float}, ptr %states, i64 %new.entry
  %row = load i64, ptr %row.at
  %stride = load i64, ptr %stride.at
  %setting.entry = mul i64 %row, %stride
  %own.settings = getelementptr {float}, ptr %settings, i64 %setting.entry
  %whole = icmp sle i64 %stop, %n
  br i1 %whole, label %full, label %short
full:
  call void @step({args})
  br label %check
short:
  {short}
  br label %check
check:
  %count = phi double [{batch}.0, %full], [{short_rows}, %short]
  %loss.own = load {float}, ptr %loss.at
  %loss = {widen}
  %size = call double @llvm.fabs.f64(double %loss)
  %good = fcmp olt double %size, 0x7FF0000000000000
  br i1 %good, label %scan, label %bad
bad:
  store i64 1, ptr %status.at
  br label %end
scan:
  %in.doubt = call i1 @undecided(ptr %new, ptr %workspace)
  br i1 %in.doubt, label %undecided, label %accept
undecided:
  store i64 2, ptr %status.at
  br label %end
accept:
  %sum.old = load double, ptr %numbers
  %sum.before = getelementptr double, ptr %numbers, i64 3
  store double %sum.old, ptr %sum.before
  %weighted = fmul double %loss, %count
  %sum.new = fadd double %sum.old, %weighted
  store double %sum.new, ptr %numbers
{add}  store i64 %f.new, ptr %turn.at
  %t.new = add i64 %t, 1
  store i64 %t.new, ptr %step.at
  %left.new = sub i64 %left, 1
  store i64 %left.new, ptr %left.at
  %row.new = add i64 %row, 1
  store i64 %row.new, ptr %row.at
  %more = icmp slt i64 %stop, %n
  br i1 %more, label %turn, label %finish
finish:
  %p = phi i64 [0, %accept], [%p.next, %fine]
  %p.at = getelementptr {float}, ptr %new, i64 %p
  %number = load {float}, ptr %p.at
  %magnitude = call {float} @llvm.fabs.{kind}({float} %number)
  %finite = fcmp olt {float} %magnitude, 0x7FF0000000000000
  br i1 %finite, label %fine, label %infinite
infinite:
  store i64 3, ptr %status.at
  br label %end
fine:
  %p.next = add i64 %p, 1
  %p.done = icmp sge i64 %p.next, {parameters}
  br i1 %p.done, label %log, label %finish
log:
  %n.float = sitofp i64 %n to double
  %mean = fdiv double %sum.new, %n.float
  %mean.entry = mul i64 %e, {columns}
  %mean.at = getelementptr double, ptr %table, i64 %mean.entry
  store double %mean, ptr %mean.at
{note}  %e.new = add i64 %e, 1
  store i64 %e.new, ptr %record
  store i64 0, ptr %step.at
{validate}  br label %watch
watch:
  %watched.at = getelementptr i64, ptr %record, i64 10
  %watched = load i64, ptr %watched.at
  %value.at = getelementptr double, ptr %mean.at, i64 %watched
  %value.own = load double, ptr %value.at
  %sign.at = getelementptr double, ptr %numbers, i64 4
  %sign = load double, ptr %sign.at
  %value = fmul double %sign, %value.own
  %best.at = getelementptr double, ptr %numbers, i64 1
  %best = load double, ptr %best.at
  %tolerance.at = getelementptr double, ptr %numbers, i64 2
  %tolerance = load double, ptr %tolerance.at
  %needed = fsub double %best, %tolerance
  %no.gain = fcmp ogt double %value, %needed
  %is.best = fcmp olt double %value, %best
  %gain = fsub double %best, %value
  %gains = fcmp ogt double %gain, %tolerance
  %none.before = fcmp uno double %best, %best
  %is.number = fcmp ord double %value, %value
  %is.first = and i1 %none.before, %is.number
  %improves = or i1 %gains, %is.first
  %no.improvement = xor i1 %improves, true
  %plateau.at = getelementptr i64, ptr %record, i64 11
  %plateau = load i64, ptr %plateau.at
  %is.plateau = icmp ne i64 %plateau, 0
  %is.worse = select i1 %is.plateau, i1 %no.improvement, i1 %no.gain
  %is.better = select i1 %is.plateau, i1 %improves, i1 %is.best
  %best.new = select i1 %is.better, double %value, double %best
  store double %best.new, ptr %best.at
  %worse.at = getelementptr i64, ptr %record, i64 8
  %worse = load i64, ptr %worse.at
  %worse.up = add i64 %worse, 1
  %worse.new = select i1 %is.worse, i64 %worse.up, i64 0
  store i64 %worse.new, ptr %worse.at
  %kept.at = getelementptr i64, ptr %record, i64 12
  %kept.address = load i64, ptr %kept.at
  %keeps = icmp ne i64 %kept.address, 0
  %kept = inttoptr i64 %kept.address to ptr
  %keeps.now = and i1 %keeps, %is.better
  br i1 %keeps.now, label %keep, label %judge
keep:
  %k = phi i64 [0, %watch], [%k.next, %keep]
  %k.from = getelementptr {float}, ptr %new, i64 %k
  %k.to = getelementptr {float}, ptr %kept, i64 %k
  %k.part = load <{width} x {float}>, ptr %k.from, align {align}
  store <{width} x {float}> %k.part, ptr %k.to, align {align}
  %k.next = add i64 %k, {width}
  %k.done = icmp sge i64 %k.next, {padded}
  br i1 %k.done, label %judge, label %keep
judge:
  %most.at = getelementptr i64, ptr %record, i64 9
  %most = load i64, ptr %most.at
  %stalled = icmp sgt i64 %worse.new, %most
  br i1 %stalled, label %stall, label %epoch
stall:
  store i64 4, ptr %status.at
  br label %end
end:
  ret void
}}
"""

_RESHUFFLE = """\
again:
  %words.at = getelementptr i64, ptr %record, i64 7
  %words = load ptr, ptr %words.at
  call void @reshuffle(ptr %order, i64 %n, ptr %words)
  br label %turn
"""

# A short step whose function may be in another module: its address stands in the record.
_ELSEWHERE = """\
%tail.at = getelementptr i64, ptr %record, i64 {place}
  %tail = load ptr, ptr %tail.at
  %tail.rows = sub i64 %n, %start
  %tail.count = sitofp i64 %tail.rows to double
  call void %tail({args})"""

# The sums of an epoch are among the numbers; each is there a second time as it was before the step.
_FORGET = """\
  %sum.start{i} = getelementptr double, ptr %numbers, i64 {at}
  store double 0.0, ptr %sum.start{i}
"""
_ADD = """\
  %own.at{i} = getelementptr {float}, ptr %loss.at, i64 {i}
  %own{i} = load {float}, ptr %own.at{i}
  %number{i} = {widen}
  %sum.at{i} = getelementptr double, ptr %numbers, i64 {at}
  %sum{i} = load double, ptr %sum.at{i}
  %before.at{i} = getelementptr double, ptr %numbers, i64 {before}
  store double %sum{i}, ptr %before.at{i}
  %sum.new{i} = fadd double %sum{i}, %number{i}
  store double %sum.new{i}, ptr %sum.at{i}
"""
_NOTE = """\
  %end.at{i} = getelementptr double, ptr %numbers, i64 {at}
  %end{i} = load double, ptr %end.at{i}
  %mean{i} = fdiv double %end{i}, %n.float
  %mean.at{i} = getelementptr double, ptr %mean.at, i64 {i}
  store double %mean{i}, ptr %mean.at{i}
"""


# A new state need not be searched for NaN if every doubt shows in the loss of the next step.
NO_DOUBT = """
define internal i1 @undecided(ptr %new, ptr %workspace) #0 {
  ret i1 false
}
"""

_SCAN = """
define internal i1 @undecided(ptr %new, ptr %workspace) #0 {{
entry:
  br label %scan
scan:
  %i = phi i64 [0, %entry], [%i.next, %scan]
  %nan.so.far = phi <{width} x i1> [zeroinitializer, %entry], [%nan, %scan]
  %at = getelementptr {float}, ptr %new, i64 %i
  %part = load {vector}, ptr %at, align {align}
  %is.nan = fcmp uno {vector} %part, zeroinitializer
  %nan = or <{width} x i1> %nan.so.far, %is.nan
  %i.next = add i64 %i, {width}
  %scanned = icmp sge i64 %i.next, {padded}
  br i1 %scanned, label %scanned.all, label %scan
scanned.all:
  %mask = bitcast <{width} x i1> %nan to i{width}
  %has.nan = icmp ne i{width} %mask, 0
  ret i1 %has.nan
}}
"""


def write_scan(*, kind: str, width: int, padded: int) -> str:
    """Return the text of ``bool undecided(new, workspace)``: whether a new state has a NaN."""
    plain = LLVM_TYPES[kind]
    return _SCAN.format(
        float=plain,
        vector=f"<{width} x {plain}>",
        align=SIZES[kind],
        width=width,
        padded=padded,
    )


def step_parameters(arrays: int) -> list[str]:
    """Return the parameters of a step's function."""
    names = ["now", "new", "settings", "order", "loss", *data_names(arrays)]
    return [*(f"ptr noalias %{name}" for name in names), "ptr %workspace", "ptr noalias %ahead"]


def data_names(arrays: int) -> list[str]:
    """Return the names of the parameters that point to the arrays of data."""
    return [f"data{i}" for i in range(arrays)]


def write_epochs(
    *,
    kind: str,
    batch: int,
    tail: int | None,
    arrays: int,
    parameters: int,
    padded: int,
    width: int,
    sums: int = 0,
    held: Sequence[int] = (),
    reshuffles: bool = False,
) -> str:
    """Return the text of ``void train(…)``.

    Parameters
    ----------
    kind : str
        The kind of the numbers of the state.
    batch, tail : int
        The rows of a step, and those of a short last step of an epoch; 0 if there is none, None if
        it is found by its address.
    arrays : int
        The number of arrays from which a step takes rows.
    parameters, padded : int
        How many numbers at the beginning of a state are parameters, which must be finite after an
        epoch; and how many numbers a state has, rounded up to whole vectors.
    width : int
        How many numbers a vector has.
    sums : int
        How many numbers a step gives that are added up over an epoch.
    held : sequence of int
        The rows of a block that is validated, and those of a short last one if there is one; empty
        where nothing is validated.
    reshuffles : bool
        Whether each epoch can shuffle the order of the one before.
    """
    pointers = [f"ptr %{name}" for name in data_names(arrays)]
    args = ["ptr %now", "ptr %new", "ptr %own.settings", "ptr %rows", "ptr %loss.at", *pointers]
    args += ["ptr %workspace", "ptr %ahead"]
    plain = LLVM_TYPES[kind]
    return _TEXT.format(
        float=plain,
        kind=kind,
        padded=padded,
        states=STATES,
        parameters=parameters,
        batch=batch,
        short=_write_short(tail, ", ".join(args)),
        short_rows="%tail.count" if tail is None else f"{tail}.0",
        data=", ".join(pointers),
        args=", ".join(args),
        widen=widened("%loss.own", kind),
        width=width,
        align=SIZES[kind],
        numbers=1 + sums,
        columns=(1 + sums) * (2 if held else 1),
        again="i64 2, label %again" if reshuffles else "",
        reshuffle=_RESHUFFLE if reshuffles else "",
        forget=_for_each(_FORGET, sums, kind),
        add=_for_each(_ADD, sums, kind),
        note=_for_each(_NOTE, sums, kind),
        validate=write_validation(kind, sums, held) if held else "",
    )


def _write_short(tail: int | None, args: str) -> str:
    """Return the instructions that take a short step."""
    if tail is None:
        return _ELSEWHERE.format(place=TAIL, args=args)
    return f"call void @tail({args})" if tail else "; there is none"


def _for_each(text: str, sums: int, kind: str) -> str:
    """Return a text once for each number that a step gives besides the loss."""
    return "".join(
        text.format(
            i=i,
            at=SUMS + i - 1,
            before=SUMS + sums + i - 1,
            float=LLVM_TYPES[kind],
            widen=widened(f"%own{i}", kind),
        )
        for i in range(1, sums + 1)
    )


def epoch_declarations(kind: str) -> Sequence[str]:
    """Return the declarations of LLVM's functions that the loop calls."""
    return sorted(
        {f"declare {LLVM_TYPES[k]} @llvm.fabs.{k}({LLVM_TYPES[k]})" for k in (kind, "f64")}
        | {"declare i64 @llvm.ctlz.i64(i64, i1)"}
    )
