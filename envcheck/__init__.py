"""envcheck: why does deep learning not run here, and what mends it.

    >>> import envcheck
    >>> report = envcheck.check(smoke=False)
    >>> report.verdict
    'ok'

Importing this package loads nothing else and starts nothing.
"""

__version__ = "0.1.0"
