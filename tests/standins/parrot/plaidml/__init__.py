"""A PlaidML that lists one device. With the fault ``elsewhere`` it opens another one."""

import os
import types

__version__ = "0.0.parrot"

opened = []


class Context:
    pass


def devices(context, return_all):
    elsewhere = opened and os.environ.get("STAND_IN_FAULT") == "elsewhere"
    name = b"opencl_gpu.0" if elsewhere else b"llvm_cpu.0"
    return [types.SimpleNamespace(id=name, description=b"a parrot")], []
