"""Import one framework without Keras and list its devices.

Request: ``framework``, the name of its module. Facts: ``framework`` (version, seconds of the import), ``devices``
and ``notes``; a framework that ``_smoke`` does not know lists none.
"""

import importlib
import os


def main(request, channel):
    from ._smoke import session

    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    from ._smoke import session

    name = request["framework"]
    known = os.path.exists(os.path.join(os.path.dirname(session.__file__), "use_%s.py" % name))
    module, seconds = session.timed(
        channel, "import " + name, lambda: _part("use_" + name) if known else importlib.import_module(name)
    )
    version = module.version() if known else str(getattr(module, "__version__", "")) or None
    channel.fact("framework", {"version": version, "seconds": seconds})
    if known:
        session.tell_devices(channel, module)


def _part(name):
    return importlib.import_module("._smoke." + name, __package__)
