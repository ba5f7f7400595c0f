"""Try one product and one training step of a framework without Keras on each of its devices.

Request: ``backend``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked.

Facts: as of ``smoke_keras3``; the version of ``keras`` is null.
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
    channel.stage("import " + request["backend"])
    began = time.perf_counter()
    framework = importlib.import_module("%s.native_%s" % (PACKAGE, request["backend"]))
    channel.fact("framework", {"version": framework.version(), "seconds": time.perf_counter() - began})
    channel.fact("keras", {"version": None, "seconds": 0.0})
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
    stages = importlib.import_module(PACKAGE + ".native_stages")
    ladder = importlib.import_module(PACKAGE + ".ladder")

    def bench(device):
        return stages.Bench(None, framework, device, answers, folder)

    ladder.walk(channel, selected, request["ended"], bench, stages.STAGES)


def _load_package():
    """Make the folder beside this file a package, without putting anything on sys.path."""
    path = os.path.join(FOLDER, "__init__.py")
    spec = importlib.util.spec_from_file_location(PACKAGE, path, submodule_search_locations=[FOLDER])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
