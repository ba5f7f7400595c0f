"""Start one worker inside a target interpreter.

    TARGET_PYTHON -B _boot.py WORKER NONCE      the request as JSON on standard input

Standard library only, and written so that even Python 2.7 can parse it and answer. Nothing of
envcheck imports this file. Standard output becomes a private channel: lines of marker, nonce and
JSON. Whatever the target's own code prints goes to standard error instead.

Exit status 65 and the word ``envcheck-too-old`` on standard output mean that this Python is older
than 3.6.
"""

import os
import sys

MARKER = "@envcheck@"

if sys.version_info < (3, 6):
    sys.stdout.write("envcheck-too-old %d.%d.%d\n" % tuple(sys.version_info[:3]))
    sys.stdout.flush()
    os._exit(65)

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]

import faulthandler  # noqa: E402 - the worker's own folder must leave sys.path before anything is imported
import json  # noqa: E402
import signal  # noqa: E402
import traceback  # noqa: E402


class Channel(object):
    """The private line to the parent. Every call is written through at once."""

    def __init__(self, descriptor, nonce):
        self._descriptor = descriptor
        self._prefix = "\n" + MARKER + nonce

    def _send(self, kind, content):
        line = self._prefix + json.dumps([kind, content]) + "\n"
        data = line.encode("ascii")
        while data:
            data = data[os.write(self._descriptor, data) :]

    def stage(self, name):
        """Say what comes next, before it is tried: if it kills the process, the parent knows what did."""
        self._send("stage", name)

    def fact(self, key, value):
        """Report one JSON value. A key may come several times; the parent keeps them in order."""
        self._send("fact", [key, value])


def _end_with_parent(seconds):
    # The default action of SIGALRM ends the process even inside C code, should the parent be gone by then.
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _describe(error):
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "type": type(error).__module__ + "." + type(error).__name__,
        "message": str(error)[:4000],
        "traceback": "".join(lines)[-8000:],
    }


def _run():
    worker, nonce = sys.argv[1], sys.argv[2]
    descriptor = os.dup(1)
    os.dup2(2, 1)
    if os.name == "nt":
        os.set_inheritable(1, True)
    channel = Channel(descriptor, nonce)
    channel._send("hello", {"version": list(sys.version_info[:3]), "pid": os.getpid()})
    faulthandler.enable()
    request = json.loads(sys.stdin.read() or "{}")
    _end_with_parent(float(request.pop("_seconds", 600)))
    sys.argv[:] = [worker]
    path = os.path.join(_HERE, worker + ".py")
    with open(path, "rb") as stream:
        code = compile(stream.read(), path, "exec")
    namespace = {"__name__": "envcheck_worker_" + worker, "__file__": path}
    status = 0
    try:
        exec(code, namespace)
        namespace["main"](request, channel)
    except BaseException as error:
        channel._send("raised", _describe(error))
        status = 1
    else:
        channel._send("done", None)
    sys.stdout.flush()
    sys.stderr.flush()
    # Frameworks sometimes hang or crash while the interpreter is taken down; the answer is already given.
    os._exit(status)


if __name__ == "__main__":
    _run()
