"""The shuffle is `adjoint.data.permutation` in LLVM's language: the same order, word by word."""

from __future__ import annotations

from ...core.philox import ORDER_SITE
from .lanes import Block, Names
from .philox import philox

# Fisher and Yates: from the last row on, row k changes places with a random row j ≤ k. Each row
# takes one word of a block of Philox, j = (its upper 32 bits · (k + 1)) >> 32; so a block serves
# four rows, and a new one is drawn whenever k is the last of four.
_TEXT = """
define internal void @draw(ptr %words, i64 %key, i64 %block, i64 %epoch) #0 {{
{philox}
  ret void
}}

define void @shuffle(ptr %order, i64 %n, i64 %key, i64 %epoch) #0 {{
entry:
  %words = alloca [4 x i64], align 32
  %several = icmp sgt i64 %n, 1
  br label %number
number:
  %i = phi i64 [0, %entry], [%i.next, %number]
  %place = getelementptr i64, ptr %order, i64 %i
  store i64 %i, ptr %place
  %i.next = add i64 %i, 1
  %numbered = icmp sge i64 %i.next, %n
  br i1 %numbered, label %last, label %number
last:
  %from = sub i64 %n, 1
  br i1 %several, label %turn, label %end
turn:
  %k = phi i64 [%from, %last], [%k.next, %swap]
  %slot = and i64 %k, 3
  %top = icmp eq i64 %slot, 3
  %first = icmp eq i64 %k, %from
  %need = or i1 %top, %first
  br i1 %need, label %fetch, label %swap
fetch:
  %quarter = lshr i64 %k, 2
  %block = add i64 %quarter, 1
  call void @draw(ptr %words, i64 %key, i64 %block, i64 %epoch)
  br label %swap
swap:
  %at = getelementptr i64, ptr %words, i64 %slot
  %word = load i64, ptr %at
  %high = lshr i64 %word, 32
  %count = add i64 %k, 1
  %product = mul i64 %high, %count
  %j = lshr i64 %product, 32
  %here = getelementptr i64, ptr %order, i64 %k
  %there = getelementptr i64, ptr %order, i64 %j
  %mine = load i64, ptr %here
  %theirs = load i64, ptr %there
  store i64 %theirs, ptr %here
  store i64 %mine, ptr %there
  %k.next = sub i64 %k, 1
  %done = icmp eq i64 %k.next, 0
  br i1 %done, label %end, label %turn
end:
  ret void
}}
"""


def write_shuffle() -> str:
    """Return the text of ``void shuffle(order, n, key, epoch)``, for n ≥ 1."""
    return _TEXT.format(philox="\n".join(_draw()))


def _draw() -> list[str]:
    """Return the instructions that store the four words of a block of Philox."""
    names = Names()
    block = Block(1, names)
    for slot, word in enumerate(philox(block, "%key", "%block", "%epoch", ORDER_SITE)):
        pointer = names.fresh()
        block.lines.append(f"  {pointer} = getelementptr i64, ptr %words, i64 {slot}")
        block.lines.append(f"  store i64 {word}, ptr {pointer}")
    return block.lines
