"""Import one framework without Keras and list its devices.

Request: ``framework``, the name of its module. Facts: ``framework`` (version, seconds of the import), ``devices``
and ``notes``; a framework that ``_smoke`` does not know lists none.
"""

import importlib

from ._smoke import session


def main(request, channel):
    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    name = request["framework"]
    known = session.has_part("use_" + name)
    module, seconds = session.timed(
        channel, "import " + name, lambda: session.part("use_" + name) if known else importlib.import_module(name)
    )
    version = module.version() if known else str(getattr(module, "__version__", "")) or None
    channel.fact("framework", {"version": version, "seconds": seconds})
    if known:
        session.tell_devices(channel, module)
