"""The shuffle is `adjoint.data.permutation` in LLVM's language: the same order, word by word."""

from __future__ import annotations

from ...core.philox import ORDER_SITE
from .lanes import Block, Names
from .philox import philox
from .target import Target

# Fisher and Yates: from the last row on, row k changes places with a random row j ≤ k. Each row
# takes one word of a block of Philox, j = (its upper 32 bits · (k + 1)) >> 32. So a block serves
# four rows, and its words stay in registers; of the first block some may be beyond the last row.
# Nothing in a block depends on the blocks before, so a processor draws it during their swaps.
_TEXT = """
define void @shuffle(ptr %order, i64 %n, i64 %key, i64 %epoch) #0 {{
entry:
  %from = sub i64 %n, 1
  %whole = and i64 %n, -8
  %is.short = icmp eq i64 %whole, 0
  br i1 %is.short, label %rest, label %eight
eight:
  %i = phi i64 [0, %entry], [%i.next, %eight]
  %numbers = phi <8 x i64> [<{first}>, %entry], [%numbers.next, %eight]
  %place = getelementptr i64, ptr %order, i64 %i
  store <8 x i64> %numbers, ptr %place, align 8
  %numbers.next = add <8 x i64> %numbers, <{eights}>
  %i.next = add i64 %i, 8
  %eights.done = icmp eq i64 %i.next, %whole
  br i1 %eights.done, label %rest, label %eight
rest:
  %r = phi i64 [0, %entry], [%whole, %eight], [%r.next, %number]
  %numbered = icmp eq i64 %r, %n
  br i1 %numbered, label %last, label %number
number:
  %r.place = getelementptr i64, ptr %order, i64 %r
  store i64 %r, ptr %r.place
  %r.next = add i64 %r, 1
  br label %rest
last:
  %last.quarter = lshr i64 %from, 2
  br label %turn
turn:
  %quarter = phi i64 [%last.quarter, %last], [%quarter.next, %row.]
  %block = add i64 %quarter, 1
{philox}
  %base = shl i64 %quarter, 2
  br label %row.3
{rows}
row.:
  %quarter.next = sub i64 %quarter, 1
  %done = icmp eq i64 %quarter, 0
  br i1 %done, label %end, label %turn
end:
  ret void
}}
"""

_ROW = """
row.{slot}:
  %k.{slot} = add i64 %base, {slot}
  %is.row.{slot} = icmp sle i64 %k.{slot}, %from
  br i1 %is.row.{slot}, label %swap.{slot}, label %row.{next}
swap.{slot}:
  %high.{slot} = lshr i64 {word}, 32
  %count.{slot} = add i64 %k.{slot}, 1
  %product.{slot} = mul i64 %high.{slot}, %count.{slot}
  %j.{slot} = lshr i64 %product.{slot}, 32
  %here.{slot} = getelementptr i64, ptr %order, i64 %k.{slot}
  %there.{slot} = getelementptr i64, ptr %order, i64 %j.{slot}
  %mine.{slot} = load i64, ptr %here.{slot}
  %theirs.{slot} = load i64, ptr %there.{slot}
  store i64 %theirs.{slot}, ptr %here.{slot}
  store i64 %mine.{slot}, ptr %there.{slot}
  br label %row.{next}"""


def write_shuffle(target: Target) -> str:
    """Return the text of ``void shuffle(order, n, key, epoch)``, for n ≥ 1."""
    block = Block(1, Names(target=target))
    words = philox(block, "%key", "%block", "%epoch", ORDER_SITE)
    return _TEXT.format(
        first=", ".join(f"i64 {row}" for row in range(8)),
        eights=", ".join(["i64 8"] * 8),
        philox="\n".join(block.lines),
        rows="".join(
            _ROW.format(slot=slot, word=words[slot], next=slot - 1 if slot else "")
            for slot in reversed(range(4))
        ),
    )
