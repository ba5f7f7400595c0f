"""Start one worker inside a target interpreter.

    TARGET_PYTHON -B _boot.py WORKER_FILE NONCE      the request as JSON on standard input

Standard library only, and written so that even Python 2.7 can parse it and answer. Nothing of
envcheck imports this file. Standard output becomes a private channel: lines of marker, nonce and
JSON. Whatever the target's own code prints goes to standard error instead.

Exit status 65 and the message ``too-old`` on the channel mean that this Python is older than 3.6.
"""

import os
import sys

MARKER = "@envcheck@"

if sys.version_info < (3, 6):
    version = "%d.%d.%d" % sys.version_info[:3]
    sys.stdout.write('\n%s%s["too-old", "%s"]\n' % (MARKER, sys.argv[2], version))
    sys.stdout.flush()
    os._exit(65)

_HERE = os.path.abspath(__file__)
_FOLDERS = (os.path.dirname(_HERE), os.path.dirname(os.path.realpath(_HERE)))
sys.path[:] = [entry for entry in sys.path if os.path.normpath(entry) not in _FOLDERS]

import faulthandler  # noqa: E402 - the worker's own folder must leave sys.path before anything is imported
import json  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
import traceback  # noqa: E402
import types  # noqa: E402


class Channel(object):
    """The private line to the parent. Every call is written through at once."""

    def __init__(self, descriptor, nonce):
        self._descriptor = descriptor
        self._prefix = "\n" + MARKER + nonce
        self._lock = threading.Lock()
        self._process = os.getpid()

    def _send(self, kind, content):
        if os.getpid() != self._process:
            return  # a fork of the worker: its end is not the worker's end
        line = self._prefix + json.dumps([kind, content]) + "\n"
        data = line.encode("ascii")
        with self._lock:
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
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _leave_no_core():
    # A crash is an answer here; it must not leave gigabytes in the user's folder.
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):
        pass


def _describe(error):
    try:
        message = str(error)[:4000]
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception as failure:
        message, lines = "(an exception that cannot be shown: %s)" % type(failure).__name__, []
    return {
        "type": type(error).__module__ + "." + type(error).__name__,
        "message": message,
        "traceback": "".join(lines)[-8000:],
    }


def _load(path):
    """Run a worker's file as a module of its own name: frameworks look classes and sources up in sys.modules.

    It is a package too, so that a worker finds what lies beside it without a change of sys.path.
    """
    module = types.ModuleType("envcheck_worker_" + os.path.splitext(os.path.basename(path))[0])
    module.__file__ = path
    module.__package__ = module.__name__
    module.__path__ = [os.path.dirname(path)]
    sys.modules[module.__name__] = module
    with open(path, "rb") as stream:
        exec(compile(stream.read(), path, "exec"), module.__dict__)
    return module


def _flush():
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:
        pass  # the target's code may have closed or replaced them


def _run():
    path, nonce = sys.argv[1], sys.argv[2]
    _end_with_parent(600)
    descriptor = os.dup(1)
    os.dup2(2, 1)
    if os.name == "nt":
        os.set_inheritable(1, True)
    channel = Channel(descriptor, nonce)
    channel._send("hello", "%d.%d.%d" % sys.version_info[:3])
    faulthandler.enable(2)
    _leave_no_core()
    body = sys.stdin.buffer.read()
    if not body:
        os._exit(1)  # the parent is gone
    request = json.loads(body.decode("ascii"))
    _end_with_parent(request.pop("_seconds"))
    sys.argv[:] = [path]
    status = 0
    try:
        _load(path).main(request, channel)
    except BaseException as error:
        channel._send("raised", _describe(error))
        status = 1
    else:
        channel._send("done", None)
    _flush()
    # Frameworks sometimes hang or crash while the interpreter is taken down; the answer is already given.
    os._exit(status)


if __name__ == "__main__":
    _run()
