"""The version solver: one set of packages that goes together and runs on this machine, and why no newer one does.

:func:`solve` is a pure function of a machine, what is installed, and what is wanted; what goes with what comes from the
tables of :mod:`envcheck.knowledge`, and the search itself is resolvelib's.
"""
