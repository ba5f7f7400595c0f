"""Train a tiny Keras 2 model on each device of one backend, stage by stage, and compare with known answers.

Request: ``backend``, such as ``tensorflow`` or ``theano``; ``keras``, the module: ``keras``, ``tf_keras`` or
``tensorflow.keras``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked. KERAS_BACKEND is set by the parent.

Facts: as of ``smoke_keras3``.
"""

import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_smoke")
PACKAGE = "envcheck_smoke"


def main(request, channel):
    folder = tempfile.mkdtemp(prefix="envcheck-smoke-")
    channel.fact("folder", folder)  # the parent removes it if this process dies
    try:
        _run(request, channel, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(request, channel, folder):
    _load_package()
    importlib.import_module(PACKAGE + ".keras_home").keep_out(channel, folder)
    if request["backend"] == "theano":
        importlib.import_module(PACKAGE + ".theano_home").keep_out(channel, folder)

    channel.stage("import " + request["backend"])
    began = time.perf_counter()
    framework = importlib.import_module(PACKAGE + "." + _engine(request["backend"]))
    channel.fact("framework", {"version": framework.version(), "seconds": time.perf_counter() - began})

    channel.stage("import keras")
    began = time.perf_counter()
    keras = _import_keras(request["keras"], request["backend"])
    channel.fact("keras", {"version": str(keras.__version__), "seconds": time.perf_counter() - began})
    framework.loaded(keras)
    libraries = importlib.import_module(PACKAGE + ".libraries")
    channel.fact("libraries", libraries.loaded())

    channel.stage("devices")
    began = time.perf_counter()
    naming = importlib.import_module(PACKAGE + ".naming")
    devices = naming.named(framework.devices())
    channel.fact("devices", {"devices": devices, "seconds": time.perf_counter() - began})
    channel.fact("notes", framework.notes())
    selected = naming.selected(devices, request["devices"])
    channel.fact("selected", [device["name"] for device in selected])
    channel.fact("unmatched", naming.unmatched(devices, request["devices"]))

    answers = importlib.import_module(PACKAGE + ".answers").Answers()
    stages = importlib.import_module(PACKAGE + ".keras2_stages")
    ladder = importlib.import_module(PACKAGE + ".ladder")

    def bench(device):
        return stages.Keras2Bench(keras, framework, device, answers, folder)

    ladder.walk(channel, selected, request["ended"], bench, stages.STAGES)


def _load_package():
    """Make the folder beside this file a package, without putting anything on sys.path."""
    path = os.path.join(FOLDER, "__init__.py")
    spec = importlib.util.spec_from_file_location(PACKAGE, path, submodule_search_locations=[FOLDER])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


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
