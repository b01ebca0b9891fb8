"""Epoch code is the native function that runs whole epochs without Python.

In each epoch it shuffles the rows, takes the steps, checks them, and notes the mean loss. There are
three copies of the state, used in turn: a step reads one and writes the next. So a step that must
not count is undone by not moving on, and the state before the last step is still there. All that is
remembered from call to call is in an array of integers and an array of floats. The settings are a
table with one row for each step, or a single row for all of them. The rows of the data keep their
order, or are shuffled in each epoch, beginning with their own order or with that of the last epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from .epoch_record import STATES
from .formats import LLVM_TYPES, SIZES

# The arguments of ``train`` are the record, the states, the settings, the order of the rows, the
# numbers, the losses of the epochs, the arrays of data and the workspace; then the number of rows,
# the key of the shuffle, an `Order`, and the epoch before which to end. The blocks of the text in
# turn:
#
# * ``epoch`` to ``reorder`` begin an epoch, or go on with one that was interrupted;
# * ``take``, ``full`` and ``short`` take a step, from the present state (``now``) to the next;
# * ``check``, ``scan`` and ``undecided`` stop before a step whose loss is not finite, or whose
#   result is in doubt, so that Python can take it;
# * ``accept`` makes the next state the present one;
# * ``finish`` checks after an epoch that the parameters are finite;
# * ``log`` and ``stall`` note the mean loss, and stop if it has not become better for too long.
_TEXT = """
define void @train(ptr %record, ptr %states, ptr %settings, ptr %order, ptr %numbers,
    ptr %losses, {data}, ptr %workspace, i64 %n, i64 %key, i64 %shuffled, i64 %until) #0 {{
entry:
  %loss.at = alloca {float}
  %step.at = getelementptr i64, ptr %record, i64 1
  %status.at = getelementptr i64, ptr %record, i64 2
  %turn.at = getelementptr i64, ptr %record, i64 3
  %left.at = getelementptr i64, ptr %record, i64 4
  %row.at = getelementptr i64, ptr %record, i64 5
  %stride.at = getelementptr i64, ptr %record, i64 6
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
  switch i64 %shuffled, label %turn [i64 1, label %reorder i64 2, label %again]
again:
  %words.at = getelementptr i64, ptr %record, i64 7
  %words = load ptr, ptr %words.at
  call void @reshuffle(ptr %order, i64 %n, ptr %words)
  br label %turn
reorder:
  call void @shuffle(ptr %order, i64 %n, i64 %key, i64 %e)
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
  %count = phi double [{batch}.0, %full], [{tail}.0, %short]
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
  store i64 %f.new, ptr %turn.at
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
  %mean.at = getelementptr double, ptr %losses, i64 %e
  store double %mean, ptr %mean.at
  %e.new = add i64 %e, 1
  store i64 %e.new, ptr %record
  store i64 0, ptr %step.at
  %best.at = getelementptr double, ptr %numbers, i64 1
  %best = load double, ptr %best.at
  %tolerance.at = getelementptr double, ptr %numbers, i64 2
  %tolerance = load double, ptr %tolerance.at
  %needed = fsub double %best, %tolerance
  %is.worse = fcmp ogt double %mean, %needed
  %is.best = fcmp olt double %mean, %best
  %best.new = select i1 %is.best, double %mean, double %best
  store double %best.new, ptr %best.at
  %worse.at = getelementptr i64, ptr %record, i64 8
  %worse = load i64, ptr %worse.at
  %worse.up = add i64 %worse, 1
  %worse.new = select i1 %is.worse, i64 %worse.up, i64 0
  store i64 %worse.new, ptr %worse.at
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
    return [*(f"ptr noalias %{name}" for name in names), "ptr %workspace"]


def data_names(arrays: int) -> list[str]:
    """Return the names of the parameters that point to the arrays of data."""
    return [f"data{i}" for i in range(arrays)]


def write_epochs(
    *, kind: str, batch: int, tail: int, arrays: int, parameters: int, padded: int
) -> str:
    """Return the text of ``void train(…)``.

    Parameters
    ----------
    kind : str
        The kind of the numbers of the state.
    batch, tail : int
        The rows of a step, and those of a short last step of an epoch; 0 if there is none.
    arrays : int
        The number of arrays from which a step takes rows.
    parameters, padded : int
        How many numbers at the beginning of a state are parameters, which must be finite after an
        epoch; and how many numbers a state has, rounded up to whole vectors.
    """
    pointers = [f"ptr %{name}" for name in data_names(arrays)]
    args = ["ptr %now", "ptr %new", "ptr %own.settings", "ptr %rows", "ptr %loss.at", *pointers]
    args.append("ptr %workspace")
    plain = LLVM_TYPES[kind]
    return _TEXT.format(
        float=plain,
        kind=kind,
        padded=padded,
        states=STATES,
        parameters=parameters,
        batch=batch,
        tail=tail,
        data=", ".join(pointers),
        args=", ".join(args),
        short=f"call void @tail({', '.join(args)})" if tail else "; there is none",
        # A sum with -0 is a copy that keeps every bit, since LLVM has no instruction for that.
        widen="fpext float %loss.own to double"
        if kind == "f32"
        else "fadd double %loss.own, 0x8000000000000000",
    )


def epoch_declarations(kind: str) -> Sequence[str]:
    """Return the declarations of LLVM's functions that the loop calls."""
    return sorted(
        {f"declare {LLVM_TYPES[k]} @llvm.fabs.{k}({LLVM_TYPES[k]})" for k in (kind, "f64")}
        | {"declare i64 @llvm.ctlz.i64(i64, i1)"}
    )
