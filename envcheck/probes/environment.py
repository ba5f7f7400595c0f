"""The environment variables that matter to the stack: an allow-list, so that no secret gets in by accident.

It is the list by which reports are redacted: ``envcheck/redact/variables.py``.
"""

from collections.abc import Mapping

from envcheck.model.facts import EnvironmentVariable
from envcheck.redact.variables import is_harmless


def relevant(environ: Mapping[str, str]) -> tuple[EnvironmentVariable, ...]:
    """Return the variables of the allow-list, by name."""
    return tuple(EnvironmentVariable(name=name, value=environ[name]) for name in sorted(environ) if is_harmless(name))
