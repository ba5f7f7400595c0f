"""Import two frameworks in one process, in the order given, and let each multiply two matrices.

Request: ``frameworks``, the names of two modules. Facts: ``folder``, ``environment_added``.

What breaks frameworks in company are libraries that both bring along (OpenMP, protobuf, cuDNN): the first one wins.
"""

import importlib

from ._smoke import session


def main(request, channel):
    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    names = request["frameworks"]
    if "theano" in names:
        session.part("theano_home").keep_out(channel, folder)
    for name in names:
        channel.stage("import " + name)
        importlib.import_module(name)
    for name in names:
        channel.stage("use " + name)
        known = [part for part in ("native_" + name, "use_" + name) if session.has_part(part)]
        if known:
            _use(session.part(known[0]))


def _use(framework):
    """Compute on one device of each kind. Whether the numbers are right is for the smoke test to say."""
    import numpy

    for device in {device["kind"]: device for device in framework.devices()}.values():
        matrix = framework.put(numpy.ones((8, 8), dtype="float32"), device)
        if hasattr(framework, "product"):
            framework.values_of(framework.product(matrix, matrix))
