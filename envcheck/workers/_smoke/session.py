"""What every smoke worker does around its own framework: a folder, timed imports, the devices, and the walk."""

import importlib
import os
import shutil
import tempfile
import time

from . import keras_home, libraries, matplotlib_home, naming


def run(request, channel, attempt):
    """Call ``attempt(request, channel, folder)`` with a folder of its own, which is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="envcheck-smoke-")
    channel.fact("folder", folder)  # the parent removes it if this process dies
    # What a framework would remove at its exit goes with the folder: a worker ends without that.
    tempfile.tempdir = folder
    try:
        keras_home.keep_out(channel, folder)
        matplotlib_home.keep_out(channel, folder)
        attempt(request, channel, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def part(name):
    """Import a part of the smoke test; most of them import what is put to the test."""
    return importlib.import_module("." + name, __package__)


def has_part(name):
    return os.path.exists(os.path.join(os.path.dirname(__file__), name + ".py"))


def settled(keras, settings, backend):
    """Return Keras, set up for the known answers: the user's keras.json may say otherwise.

    ``settings`` is the module with its settings: ``keras.config``, in Keras 2 ``keras.backend``.
    """
    used = settings.backend()
    if used != backend:
        raise RuntimeError("Keras runs on %s, although KERAS_BACKEND asks for %s" % (used, backend))
    settings.set_floatx("float32")
    settings.set_image_data_format("channels_last")
    return keras


def timed(channel, stage, action):
    """Announce a stage, and return what the action gives and the seconds that it took."""
    channel.stage(stage)
    began = time.perf_counter()
    result = action()
    return result, time.perf_counter() - began


def tell_devices(channel, framework):
    """Report the devices of an imported framework and why others are missing; return the devices."""
    devices, seconds = timed(channel, "devices", lambda: naming.named(framework.devices()))
    channel.fact("devices", {"devices": devices, "seconds": seconds})
    channel.fact("notes", framework.notes())
    return devices


def walk(request, channel, framework, bench, stages=None):
    """List the devices of an imported framework and walk the ladder on those that are wanted.

    ``bench(device, answers)`` gives the bench of one device; ``stages`` are those of the ladder, if not its own.
    """
    channel.fact("libraries", libraries.loaded())
    devices = tell_devices(channel, framework)
    selected = naming.selected(devices, request["devices"])
    channel.fact("selected", [device["name"] for device in selected])
    channel.fact("unmatched", naming.unmatched(devices, request["devices"]))
    # Not before: these import NumPy, and one that is broken has to be met by the framework's own import.
    from . import answers, ladder

    known = answers.Answers()
    more = () if stages is None else (stages,)
    ladder.walk(channel, selected, request["ended"], lambda device: bench(device, known), *more)
