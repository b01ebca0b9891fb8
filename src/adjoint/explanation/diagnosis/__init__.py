"""A diagnosis says why a gradient is as it is, and names the line of the user's that made it so.

A run is watched (``event_log``) and its numbers are followed (``flow``). An examination reads off
the state of a gradient (``gradient``) and asks the module for that state: ``cuts`` for a missing
one, ``zeros``, ``nonfinite``, or ``scale`` for one that is tiny or huge.
"""
