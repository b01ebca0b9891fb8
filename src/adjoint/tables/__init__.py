"""Tables in files: networks are trained on them, kept in folders, and asked for predictions.

A ``source`` is read in blocks; ``column``, ``encoder`` and ``target`` turn its columns into
numbers. A ``trial`` trains a network and compares it (``baseline``, ``scores``, ``importance``); a
``model`` is what is kept in a folder, with a ``report``. The commands `fit`, `predict`, `evaluate`
and `show` of the command line stand on this room.
"""
