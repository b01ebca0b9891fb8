"""The two graphs, dynamic and static, and the walks over their nodes."""
