"""Tables in files are read: each kind of file has a reader, and `TableFile` finds the right one.

A reader has ``names``, the names of the columns; ``notes``, sentences about what it passed over or
had to decide; and ``blocks()``, which yields Arrow's record batches. An ``encoding`` and a
``dialect`` are found by a text's beginning; ``delimited`` reads by them.
"""
