"""What stand-ins share: the real module behind them, and ways to come to an end."""

import ctypes
import importlib
import os
import signal
import sys
import time


def behind(name, file):
    """Return the real module ``name``, which lies behind the stand-in ``file`` on sys.path."""
    folder = os.path.dirname(os.path.abspath(file))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]
    del sys.modules[name]
    importlib.invalidate_caches()
    return importlib.import_module(name)


def come_to(end):
    if end == "segfault":
        ctypes.string_at(0)
    elif end == "abort":
        os.kill(os.getpid(), signal.SIGABRT)
    elif end == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)
    elif end == "exit":
        os._exit(0)
    elif end == "sys.exit":
        sys.exit(3)
    elif end == "raise":
        raise OSError("libfancy.so.7: cannot open shared object file: No such file or directory")
