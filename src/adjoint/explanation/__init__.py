"""Explanations show a gradient to people, in four ways.

``derivation`` writes it out step by step (`explain`), ``diagnosis`` tells why it is zero, missing
or not finite (`why`), ``drawing`` shows it in a picture of the graph (`draw`), and ``review``
compares it with one that was written by hand (`check_backward`). ``phrases`` has their words in
each language, and ``users_file`` runs a file of the user's that the command line was given.
"""
