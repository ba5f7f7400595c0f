"""Ask threadpoolctl for the libraries of CPU mathematics and OpenMP that NumPy brings into a process.

A process of its own: importing threadpoolctl sets KMP_DUPLICATE_LIB_OK, which hides the clash of two OpenMP libraries.
The modules are imported by name, for they are the target's own and need not be there.

Request: ``modules``, to be imported before. Facts: ``pool``, one for each library as threadpoolctl tells of it.
"""

import importlib


def main(request, channel):
    for name in request["modules"]:
        channel.stage("import " + name)
        importlib.import_module(name)
    channel.stage("import threadpoolctl")
    threadpoolctl = importlib.import_module("threadpoolctl")
    channel.stage("threadpool_info")
    for pool in threadpoolctl.threadpool_info():
        channel.fact("pool", {str(key): pool[key] for key in pool})
