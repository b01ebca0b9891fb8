"""A corpus of right and wrong backward passes, on which `check_backward` is measured."""
