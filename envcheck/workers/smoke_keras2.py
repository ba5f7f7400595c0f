"""Train a tiny Keras 2 model on each device of one backend, stage by stage, and compare with known answers.

Request: ``backend``, such as ``tensorflow`` or ``theano``; ``keras``, the module: ``keras``, ``tf_keras`` or
``tensorflow.keras``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked. KERAS_BACKEND is set by the parent.

Facts: as of ``smoke_keras3``.
"""

import importlib

from ._smoke import session


def main(request, channel):
    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    backend = request["backend"]
    if backend == "theano":
        session.part("theano_home").keep_out(channel, folder)
    framework, seconds = session.timed(channel, "import " + backend, lambda: session.part(_engine(backend)))
    channel.fact("framework", {"version": framework.version(), "seconds": seconds})
    keras, seconds = session.timed(channel, "import keras", lambda: _import_keras(request["keras"], backend))
    channel.fact("keras", {"version": str(keras.__version__), "seconds": seconds})
    for name, value in framework.loaded(keras) or ():
        channel.fact("environment_added", {"name": name, "value": value})
    stages = session.part("keras2_stages")

    def bench(device, answers):
        return stages.Keras2Bench(keras, framework, device, answers, folder)

    session.walk(request, channel, framework, bench, stages.STAGES)


def _engine(backend):
    if backend != "tensorflow":
        return "keras2_" + backend.split(".")[0]
    import tensorflow

    return "keras2_tensorflow" + str(tensorflow.__version__).split(".")[0]


def _import_keras(name, backend):
    keras = importlib.import_module(name)
    return session.settled(keras, keras.backend, backend)
