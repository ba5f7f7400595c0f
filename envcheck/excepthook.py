"""An opt-in hook: under each traceback it prints what envcheck knows about the error."""

import sys
import traceback
from types import TracebackType
from typing import Any

_INSTALLED = "_envcheck_installed"


def install_excepthook() -> None:
    """Print the diagnosis of an uncaught exception under its traceback, in scripts and in IPython.

    The traceback itself stays as it is, and nothing is printed for errors that have no known cause.
    """
    shell = _ipython()
    if shell is not None:
        shell.set_custom_exc((Exception,), _in_ipython)
        return
    before = sys.excepthook
    if getattr(before, _INSTALLED, False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        _diagnose(error)

    setattr(hook, _INSTALLED, True)
    sys.excepthook = hook


def _in_ipython(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    _diagnose(error)


def _diagnose(error: BaseException) -> None:
    """Print what is known. An error in here must never hide the user's own."""
    try:
        from envcheck.explanation import explain_text
        from envcheck.render import explanation as render
        from envcheck.render.style import Style

        explanation = explain_text("".join(traceback.format_exception(error)))
        if any(finding.severity != "info" for finding in explanation.findings):
            style = Style(width=80, colour=False, unicode=False, verbose=False, quiet=False)
            print("\nenvcheck:\n" + render.text(explanation, style), file=sys.stderr)
    except Exception as problem:
        print(f"envcheck could not look at this error: {type(problem).__name__}: {problem}", file=sys.stderr)


def _ipython() -> Any:
    """Return the running IPython shell, if there is one; IPython is not imported for it."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
