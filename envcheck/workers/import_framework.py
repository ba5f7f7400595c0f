"""Import one framework without Keras and list its devices.

Request: ``framework``, the name of its module. Facts: ``framework`` (version, seconds of the import), ``devices``
and ``notes``; a framework that ``_smoke`` does not know lists none.
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
        _run(request["framework"], channel, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(name, channel, folder):
    _load_package()
    importlib.import_module(PACKAGE + ".keras_home").keep_out(channel, folder)
    known = os.path.exists(os.path.join(FOLDER, "use_%s.py" % name))
    channel.stage("import " + name)
    began = time.perf_counter()
    module = importlib.import_module("%s.use_%s" % (PACKAGE, name) if known else name)
    seconds = time.perf_counter() - began
    version = module.version() if known else str(getattr(module, "__version__", "")) or None
    channel.fact("framework", {"version": version, "seconds": seconds})
    if not known:
        return
    channel.stage("devices")
    began = time.perf_counter()
    devices = importlib.import_module(PACKAGE + ".naming").named(module.devices())
    channel.fact("devices", {"devices": devices, "seconds": time.perf_counter() - began})
    channel.fact("notes", module.notes())


def _load_package():
    """Make the folder beside this file a package, without putting anything on sys.path."""
    path = os.path.join(FOLDER, "__init__.py")
    spec = importlib.util.spec_from_file_location(PACKAGE, path, submodule_search_locations=[FOLDER])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
