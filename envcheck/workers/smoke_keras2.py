"""Train a tiny Keras 2 model on each device of one backend, stage by stage, and compare with known answers.

Request: ``backend``, such as ``tensorflow`` or ``theano``; ``keras``, the module: ``keras``, ``tf_keras`` or
``tensorflow.keras``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked. KERAS_BACKEND is set by the parent.

Facts: as of ``smoke_keras3``.
"""

import importlib


def main(request, channel):
    from ._smoke import session

    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    from ._smoke import session

    backend = request["backend"]
    if backend == "theano":
        _part("theano_home").keep_out(channel, folder)
    framework, seconds = session.timed(channel, "import " + backend, lambda: _part(_engine(backend)))
    channel.fact("framework", {"version": framework.version(), "seconds": seconds})
    keras, seconds = session.timed(channel, "import keras", lambda: _import_keras(request["keras"], backend))
    channel.fact("keras", {"version": str(keras.__version__), "seconds": seconds})
    for name, value in framework.loaded(keras) or ():
        channel.fact("environment_added", {"name": name, "value": value})
    stages = _part("keras2_stages")

    def bench(device, answers):
        return stages.Keras2Bench(keras, framework, device, answers, folder)

    session.walk(request, channel, framework, bench, stages.STAGES)


def _part(name):
    return importlib.import_module("._smoke." + name, __package__)


def _engine(backend):
    if backend != "tensorflow":
        return "keras2_" + backend.split(".")[0]
    import tensorflow

    return "keras2_tensorflow" + str(tensorflow.__version__).split(".")[0]


def _import_keras(name, backend):
    keras = importlib.import_module(name)
    used = keras.backend.backend()
    if used != backend:
        raise RuntimeError("Keras runs on %s, although KERAS_BACKEND asks for %s" % (used, backend))
    # The known answers hold for these; the user's keras.json may say otherwise.
    keras.backend.set_floatx("float32")
    keras.backend.set_image_data_format("channels_last")
    return keras
