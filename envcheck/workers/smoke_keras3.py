"""Train a tiny Keras 3 model on each device of one backend, stage by stage, and compare with known answers.

Request: ``backend``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked. KERAS_BACKEND is set by the parent.

Facts: ``framework`` and ``keras`` (version, seconds of the import), ``devices``, ``notes``, the names of the
``selected`` devices, the ``unmatched`` patterns, then ``stage`` and ``libraries`` after each stage, and ``device``
after each device.
"""

import importlib


def main(request, channel):
    from ._smoke import session

    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    from ._smoke import session

    backend = request["backend"]
    framework, seconds = session.timed(channel, "import " + backend, lambda: _part("use_" + backend))
    channel.fact("framework", {"version": framework.version(), "seconds": seconds})
    keras, seconds = session.timed(channel, "import keras", lambda: _import_keras(backend))
    channel.fact("keras", {"version": str(keras.__version__), "seconds": seconds})

    def bench(device, answers):
        return _part("stages").Bench(keras, framework, device, answers, folder)

    session.walk(request, channel, framework, bench)


def _part(name):
    return importlib.import_module("._smoke." + name, __package__)


def _import_keras(backend):
    import keras

    used = keras.config.backend()
    if used != backend:
        raise RuntimeError("Keras runs on %s, although KERAS_BACKEND asks for %s" % (used, backend))
    # The known answers hold for these; the user's keras.json may say otherwise.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    return keras
