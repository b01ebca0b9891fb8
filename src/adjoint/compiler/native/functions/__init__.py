"""The elementary functions as arithmetic on lanes, with the greatest error of each stated.

Errors are in units in the last place (ulp) and tested over the whole range; special values are as
in NumPy.
"""
