"""NumPy's Mersenne Twister in LLVM's language, and the shuffle of `numpy.random.RandomState`.

The recurrence and the tempering are those of Matsumoto & Nishimura, "Mersenne Twister: a
623-dimensionally equidistributed uniform pseudo-random number generator", ACM Transactions on
Modeling and Computer Simulation 8(1), 1998. A number j ≤ i is drawn as RandomState draws it: the
low bits of a word, as many as i has, are taken, and words are drawn until they are not greater than
i.
"""

from __future__ import annotations

# `words` has the 624 words of the state, then how many of them are used up. `twist` renews all of
# them in place, `mersenne` returns the next one tempered. LLVM writes constants as signed numbers:
# -2147483648 is the upper mask 0x80000000, -1727483681 the matrix 0x9908b0df, -1658038656 and
# -272236544 the masks 0x9d2c5680 and 0xefc60000 of the tempering.
_TEXT = """
define internal void @twist(ptr %words) #0 {
entry:
  br label %word
word:
  %k = phi i64 [0, %entry], [%k.next, %word]
  %k.next = add i64 %k, 1
  %last = icmp eq i64 %k.next, 624
  %next = select i1 %last, i64 0, i64 %k.next
  %far.up = add i64 %k, 397
  %beyond = icmp uge i64 %far.up, 624
  %far.down = sub i64 %far.up, 624
  %far = select i1 %beyond, i64 %far.down, i64 %far.up
  %this.at = getelementptr i32, ptr %words, i64 %k
  %next.at = getelementptr i32, ptr %words, i64 %next
  %far.at = getelementptr i32, ptr %words, i64 %far
  %this = load i32, ptr %this.at
  %follower = load i32, ptr %next.at
  %distant = load i32, ptr %far.at
  %upper = and i32 %this, -2147483648
  %lower = and i32 %follower, 2147483647
  %joined = or i32 %upper, %lower
  %half = lshr i32 %joined, 1
  %odd = and i32 %joined, 1
  %mask = sub i32 0, %odd
  %matrix = and i32 %mask, -1727483681
  %mixed = xor i32 %distant, %half
  %new = xor i32 %mixed, %matrix
  store i32 %new, ptr %this.at
  br i1 %last, label %end, label %word
end:
  ret void
}

define internal i64 @mersenne(ptr %words) #0 {
entry:
  %used.at = getelementptr i32, ptr %words, i64 624
  %used = load i32, ptr %used.at
  %spent = icmp sge i32 %used, 624
  br i1 %spent, label %renew, label %draw
renew:
  call void @twist(ptr %words)
  br label %draw
draw:
  %place = phi i32 [%used, %entry], [0, %renew]
  %place.next = add i32 %place, 1
  store i32 %place.next, ptr %used.at
  %place.wide = zext i32 %place to i64
  %word.at = getelementptr i32, ptr %words, i64 %place.wide
  %a = load i32, ptr %word.at
  %a.right = lshr i32 %a, 11
  %b = xor i32 %a, %a.right
  %b.left = shl i32 %b, 7
  %b.mask = and i32 %b.left, -1658038656
  %c = xor i32 %b, %b.mask
  %c.left = shl i32 %c, 15
  %c.mask = and i32 %c.left, -272236544
  %d = xor i32 %c, %c.mask
  %d.right = lshr i32 %d, 18
  %e = xor i32 %d, %d.right
  %number = zext i32 %e to i64
  ret i64 %number
}

define void @reshuffle(ptr %order, i64 %n, ptr %words) #0 {
entry:
  %from = sub i64 %n, 1
  %several = icmp sgt i64 %n, 1
  br i1 %several, label %turn, label %end
turn:
  %i = phi i64 [%from, %entry], [%i.next, %swap]
  %zeros = call i64 @llvm.ctlz.i64(i64 %i, i1 true)
  %mask = lshr i64 -1, %zeros
  br label %draw
draw:
  %word = call i64 @mersenne(ptr %words)
  %j = and i64 %word, %mask
  %within = icmp ule i64 %j, %i
  br i1 %within, label %swap, label %draw
swap:
  %here = getelementptr i64, ptr %order, i64 %i
  %there = getelementptr i64, ptr %order, i64 %j
  %mine = load i64, ptr %here
  %theirs = load i64, ptr %there
  store i64 %theirs, ptr %here
  store i64 %mine, ptr %there
  %i.next = sub i64 %i, 1
  %done = icmp eq i64 %i.next, 0
  br i1 %done, label %end, label %turn
end:
  ret void
}
"""


def write_reshuffle() -> str:
    """Return the text of ``void reshuffle(order, n, words)``, for fewer than 2³² rows."""
    return _TEXT
