"""A derivation is a forward and a backward pass with its formulas, rules and numbers.

A function at a point (``function_at_point``) is written as lines of NumPy (``lines``); each becomes
a step (``step``) with a formula (``reading``, ``formula``) and a rule (``rules``), and is checked
by an evaluator that shares no code with the engine (``evaluator``). ``walk`` and ``paths`` follow
one entry. ``text``, ``markdown``, ``latex``, ``html`` and ``script`` are the renderings, in the
words of `explanation.phrases`. The page has a ``picture`` of the graph; ``correspondence`` says
which step belongs to which of its boxes. ``source_file`` explains what a user's file names.
"""
