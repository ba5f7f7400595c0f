"""Train a tiny Keras 3 model on each device of one backend, stage by stage, and compare with known answers.

Request: ``backend``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked. KERAS_BACKEND is set by the parent.

Facts: ``framework`` and ``keras`` (version, seconds of the import), ``devices``, ``notes``, the names of the
``selected`` devices, the ``unmatched`` patterns, then ``stage`` and ``libraries`` after each stage, and ``device``
after each device.
"""

from ._smoke import session


def main(request, channel):
    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    backend = request["backend"]
    framework, seconds = session.timed(channel, "import " + backend, lambda: session.part("use_" + backend))
    channel.fact("framework", {"version": framework.version(), "seconds": seconds})
    keras, seconds = session.timed(channel, "import keras", lambda: _import_keras(backend))
    channel.fact("keras", {"version": str(keras.__version__), "seconds": seconds})

    def bench(device, answers):
        return session.part("stages").Bench(keras, framework, device, answers, folder)

    session.walk(request, channel, framework, bench)


def _import_keras(backend):
    import keras

    return session.settled(keras, keras.config, backend)
