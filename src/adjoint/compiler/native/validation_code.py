"""Validation code is what the epochs' function does after an epoch with data that are held out.

It goes through them in blocks, and leaves the mean loss and the means of what else is added up
behind those of the training in the row of the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from .formats import LLVM_TYPES, widened

# It stops where one of the numbers is not finite, or in doubt, so that Python can validate.
_VALIDATE = """\
  br label %held.begin
held.begin:
  %held.order = load ptr, ptr %held
  %held.n.at = getelementptr i64, ptr %held, i64 1
  %held.n = load i64, ptr %held.n.at
{pointers}{forget}  br label %held.turn
held.turn:
  %h = phi i64 [0, %held.begin], [%h.stop, %held.next]
  %held.rows = getelementptr i64, ptr %held.order, i64 %h
  %h.stop = add i64 %h, {block}
  %h.whole = icmp sle i64 %h.stop, %held.n
  br i1 %h.whole, label %held.full, label %held.short
held.full:
  call void @validate({args})
  br label %held.check
held.short:
  {short}
  br label %held.check
held.check:
  %h.count = phi double [{block}.0, %held.full], [{tail}.0, %held.short]
  %h.doubt = call i1 @undecided(ptr %new, ptr %workspace)
  br i1 %h.doubt, label %held.doubt, label %held.add0
{add}held.next:
  %h.more = icmp slt i64 %h.stop, %held.n
  br i1 %h.more, label %held.turn, label %held.done
held.doubt:
  store i64 5, ptr %status.at
  br label %end
held.done:
  %held.float = sitofp i64 %held.n to double
{mean}"""
_ADD_HELD = """\
held.add{i}:
  %h.at{i} = getelementptr {float}, ptr %loss.at, i64 {i}
  %h.own{i} = load {float}, ptr %h.at{i}
  %h.number{i} = {widen}
  %h.size{i} = call double @llvm.fabs.f64(double %h.number{i})
  %h.good{i} = fcmp olt double %h.size{i}, 0x7FF0000000000000
  br i1 %h.good{i}, label %held.good{i}, label %held.doubt
held.good{i}:
  %h.part{i} = fmul double %h.number{i}, {factor}
  %h.sum{i} = load double, ptr %h.sum.at{i}
  %h.sum.new{i} = fadd double %h.sum{i}, %h.part{i}
  store double %h.sum.new{i}, ptr %h.sum.at{i}
  br label %{next}
"""


def write_validation(kind: str, sums: int, held: Sequence[int]) -> str:
    """Return the instructions that validate after an epoch."""
    block, tail = held[0], held[1] if len(held) > 1 else 0
    numbers = range(1 + sums)
    # Validation data are two arrays, whatever a step of the training reads.
    arrays = ["ptr %held.data0", "ptr %held.data1"]
    args = ["ptr %new", "ptr null", "ptr %own.settings", "ptr %held.rows", "ptr %loss.at", *arrays]
    given = ", ".join([*args, "ptr %workspace", "ptr %ahead"])
    pointers = "".join(
        f"  %held.at{i} = getelementptr i64, ptr %held, i64 {2 + i}\n"
        f"  %held.data{i} = load ptr, ptr %held.at{i}\n"
        for i in range(len(arrays))
    )
    forget = "".join(
        f"  %h.sum.at{i} = getelementptr double, ptr %mean.at, i64 {1 + sums + i}\n"
        f"  store double 0.0, ptr %h.sum.at{i}\n"
        for i in numbers
    )
    add = "".join(
        _ADD_HELD.format(
            i=i,
            float=LLVM_TYPES[kind],
            widen=widened(f"%h.own{i}", kind),
            factor="1.0" if i else "%h.count",  # the loss is a mean, all else is a sum
            next=f"held.add{i + 1}" if i < sums else "held.next",
        )
        for i in numbers
    )
    mean = "".join(
        f"  %h.total{i} = load double, ptr %h.sum.at{i}\n"
        f"  %h.mean{i} = fdiv double %h.total{i}, %held.float\n"
        f"  store double %h.mean{i}, ptr %h.sum.at{i}\n"
        for i in numbers
    )
    return _VALIDATE.format(
        block=block,
        tail=tail,
        args=given,
        short=f"call void @validate_tail({given})" if tail else "; there is none",
        pointers=pointers,
        forget=forget,
        add=add,
        mean=mean,
    )
