"""A drawing is the picture of a graph: values, gradients, and what flows along every edge.

The graph is run once (``evaluated_graph``), its modules are folded into boxes (``folding``), boxes
and arrows get their texts (``scene``) and their places (``ranks``, ``graph_layout``), and the
picture is written as ``svg`` or ``dot``.
"""
