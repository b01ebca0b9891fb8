"""The shuffle is `adjoint.data.permutation` in LLVM's language: the same order from the same words.

Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with key
(seed, 0) and counter (block, epoch, site, 0), and the shuffle of Fisher and Yates.
"""

from __future__ import annotations

from ...data import ORDER_SITE
from .lanes import Block, Names

_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10
_WORD = 2**64

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
    """Return ``void shuffle(order, n, key, epoch)`` for n of at least 1."""
    return _TEXT.format(philox="\n".join(_philox()))


def _philox() -> list[str]:
    """Return the instructions that store four words."""
    names = Names()
    block = Block(1, names)
    counter = ["%block", "%epoch", str(ORDER_SITE), "0"]
    for turn in range(_ROUNDS):
        high0, low0 = _product(block, counter[0], _MULTIPLIERS[0])
        high1, low1 = _product(block, counter[2], _MULTIPLIERS[1])
        key0 = block.write(f"add i64 %key, {_signed(turn * _STEPS[0])}", "i64").text
        key1 = str(_signed(turn * _STEPS[1]))
        counter = [
            _exclusive_or(block, high1, counter[1], key0),
            low1,
            _exclusive_or(block, high0, counter[3], key1),
            low0,
        ]
    for slot, word in enumerate(counter):
        pointer = names.fresh()
        block.lines.append(f"  {pointer} = getelementptr i64, ptr %words, i64 {slot}")
        block.lines.append(f"  store i64 {word}, ptr {pointer}")
    return block.lines


def _product(block: Block, x: str, factor: int) -> tuple[str, str]:
    """Return the high and the low word of a product."""
    wide = block.write(f"zext i64 {x} to i128", "i64")
    product = block.write(f"mul i128 {wide}, {factor}", "i64")
    low = block.write(f"trunc i128 {product} to i64", "i64").text
    shifted = block.write(f"lshr i128 {product}, 64", "i64")
    return block.write(f"trunc i128 {shifted} to i64", "i64").text, low


def _exclusive_or(block: Block, x: str, y: str, z: str) -> str:
    first = block.write(f"xor i64 {x}, {y}", "i64")
    return block.write(f"xor i64 {first}, {z}", "i64").text


def _signed(word: int) -> int:
    """Return a word modulo 2⁶⁴ as LLVM reads it."""
    word %= _WORD
    return word - _WORD if word >= _WORD // 2 else word
