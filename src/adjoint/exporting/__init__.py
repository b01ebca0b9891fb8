"""Exporting: a model as a file that needs no adjoint, and in C no library at all."""
