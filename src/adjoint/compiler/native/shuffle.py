"""The shuffle is `adjoint.data.permutation` in LLVM's language: the same order, word by word.

The order of the next epoch can be drawn during the steps of the present one: these wait for
floating-point numbers, while a processor's units for integers have nothing to do. What is drawn
ahead is a pure function of seed and epoch, like all orders, so nothing depends on how much it is.
"""

from __future__ import annotations

from ...core.philox import ORDER_SITE
from .epoch_record import AHEAD_LEFT, AHEAD_NUMBERS, AHEAD_OF_EPOCH, AHEAD_OF_KEY, AHEAD_OF_ROWS
from .lanes import Block, Names
from .philox import philox
from .target import Target

# A call that does four more rows of the order of the next epoch, or nothing when all are done.
DRAW = "  call void @draw(ptr %ahead)"

# Fisher and Yates: from the last row on, row k changes places with a random row j ≤ k. Each row
# takes one word of a block of Philox, j = (its upper 32 bits · (k + 1)) >> 32. So a block serves
# four rows, and its words stay in registers; of the first block some may be beyond the last row.
#
# ``draw`` leaves all registers as they are, where LLVM can do that: its caller has its own numbers
# in most of them. ``shuffle`` completes what is drawn of an order and puts it in its place, with
# numbers of 64 bits, while it begins the next order. If another order is ahead than that of the
# epoch, it goes that way twice. Behind the last row stands a number of a row as well, since the
# last turn of a step reads a whole vector of them.
_TEXT = """
define internal void @draw(ptr %ahead) nounwind "no_caller_saved_registers" {{
entry:
  %block.at = getelementptr i64, ptr %ahead, i64 {left}
  %block = load i64, ptr %block.at
  %is.done = icmp eq i64 %block, 0
  br i1 %is.done, label %end, label %four
four:
  %key.at = getelementptr i64, ptr %ahead, i64 {key}
  %key = load i64, ptr %key.at
  %epoch.at = getelementptr i64, ptr %ahead, i64 {epoch}
  %epoch = load i64, ptr %epoch.at
  %n.at = getelementptr i64, ptr %ahead, i64 {rows}
  %n = load i64, ptr %n.at
  %order = getelementptr i64, ptr %ahead, i64 {numbers}
  %quarter = sub i64 %block, 1
{philox}
  %base = shl i64 %quarter, 2
  br label %row.3
{swaps}
row.:
  store i64 %quarter, ptr %block.at
  br label %end
end:
  ret void
}}

define void @shuffle(ptr %order, i64 %n, i64 %key, i64 %epoch, ptr %ahead) #0 {{
entry:
  %left.at = getelementptr i64, ptr %ahead, i64 {left}
  %key.at = getelementptr i64, ptr %ahead, i64 {key}
  %epoch.at = getelementptr i64, ptr %ahead, i64 {epoch}
  %n.at = getelementptr i64, ptr %ahead, i64 {rows}
  %drawn = getelementptr i64, ptr %ahead, i64 {numbers}
  %key.ahead = load i64, ptr %key.at
  %epoch.ahead = load i64, ptr %epoch.at
  %n.ahead = load i64, ptr %n.at
  %is.key = icmp eq i64 %key, %key.ahead
  %is.epoch = icmp eq i64 %epoch, %epoch.ahead
  %is.n = icmp eq i64 %n, %n.ahead
  %is.both = and i1 %is.key, %is.epoch
  %is.ahead = and i1 %is.both, %is.n
  %last.row = sub i64 %n, 1
  %last.32 = trunc i64 %last.row to i32
  %last.one = insertelement <8 x i32> poison, i32 %last.32, i32 0
  %last = shufflevector <8 x i32> %last.one, <8 x i32> poison, <8 x i32> zeroinitializer
  %n.up = add i64 %n, 3
  %quarters = lshr i64 %n.up, 2
  br i1 %is.ahead, label %complete, label %put
complete:
{draw}
  %left = load i64, ptr %left.at
  %is.complete = icmp eq i64 %left, 0
  br i1 %is.complete, label %put, label %complete
put:
  %is.over = phi i1 [false, %entry], [true, %complete]
  br label %eight
eight:
  %i = phi i64 [0, %put], [%i.next, %eight]
  %rows = phi <8 x i32> [<{first}>, %put], [%rows.next, %eight]
  %from = getelementptr i32, ptr %drawn, i64 %i
  %numbers = load <8 x i32>, ptr %from, align 4
  %wide = zext <8 x i32> %numbers to <8 x i64>
  %to = getelementptr i64, ptr %order, i64 %i
  store <8 x i64> %wide, ptr %to, align 8
  %is.row = icmp ult <8 x i32> %rows, %last
  %first.numbers = select <8 x i1> %is.row, <8 x i32> %rows, <8 x i32> %last
  store <8 x i32> %first.numbers, ptr %from, align 4
  %rows.next = add <8 x i32> %rows, <{eights}>
  %i.next = add i64 %i, 8
  %more = icmp slt i64 %i.next, %n
  br i1 %more, label %eight, label %begin
begin:
  %epoch.up = add i64 %epoch, 1
  %epoch.begun = select i1 %is.over, i64 %epoch.up, i64 %epoch
  store i64 %quarters, ptr %left.at
  store i64 %key, ptr %key.at
  store i64 %epoch.begun, ptr %epoch.at
  store i64 %n, ptr %n.at
  br i1 %is.over, label %end, label %complete
end:
  ret void
}}
"""

_SWAP = """
row.{slot}:
  %k.{slot} = add i64 %base, {slot}
  %is.row.{slot} = icmp slt i64 %k.{slot}, %n
  br i1 %is.row.{slot}, label %swap.{slot}, label %row.{next}
swap.{slot}:
  %high.{slot} = lshr i64 {word}, 32
  %count.{slot} = add i64 %k.{slot}, 1
  %product.{slot} = mul i64 %high.{slot}, %count.{slot}
  %j.{slot} = lshr i64 %product.{slot}, 32
  %here.{slot} = getelementptr i32, ptr %order, i64 %k.{slot}
  %there.{slot} = getelementptr i32, ptr %order, i64 %j.{slot}
  %mine.{slot} = load i32, ptr %here.{slot}
  %theirs.{slot} = load i32, ptr %there.{slot}
  store i32 %theirs.{slot}, ptr %here.{slot}
  store i32 %mine.{slot}, ptr %there.{slot}
  br label %row.{next}"""


def write_shuffle(target: Target) -> str:
    """Return the text of ``void draw(ahead)`` and ``void shuffle(order, n, key, epoch, ahead)``.

    There must be a row at least. The memory at ``ahead`` has the size of `ahead_words`, and is 0 at
    first; ``order`` is longer than the rows by eight.
    """
    block = Block(1, Names(target=target))
    words = philox(block, "%key", "%block", "%epoch", ORDER_SITE)
    return _TEXT.format(
        left=AHEAD_LEFT,
        key=AHEAD_OF_KEY,
        epoch=AHEAD_OF_EPOCH,
        rows=AHEAD_OF_ROWS,
        numbers=AHEAD_NUMBERS,
        draw=DRAW,
        first=", ".join(f"i32 {row}" for row in range(8)),
        eights=", ".join(["i32 8"] * 8),
        philox="\n".join(block.lines),
        swaps="".join(
            _SWAP.format(slot=slot, word=words[slot], next=slot - 1 if slot else "")
            for slot in reversed(range(4))
        ),
    )
