"""The training of classifiers: what is trained, and each rival's way of training it."""
