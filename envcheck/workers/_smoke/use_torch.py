"""PyTorch for the stages of the smoke test."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig

import torch

from . import torch_processes


def version():
    return str(torch.__version__)


def devices():
    found = [{"kind": "cpu", "framework_name": "cpu", "description": None}]
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        description = torch.cuda.get_device_name(number)
        found.append({"kind": "gpu", "framework_name": "cuda:%d" % number, "description": description})
    if hasattr(torch.backends, "mps") and torch.backends.mps.is_available():
        found.append({"kind": "mps", "framework_name": "mps:0", "description": None})
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        for number in range(torch.xpu.device_count()):
            description = torch.xpu.get_device_name(number)
            found.append({"kind": "xpu", "framework_name": "xpu:%d" % number, "description": description})
    return found


def notes():
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return []
    if torch.cuda.is_available():
        return []
    try:
        torch.cuda.init()
    except Exception as error:  # whatever it raises is the answer
        return ["%s: %s" % (type(error).__name__, error)]
    return []


def scope(device):
    import keras

    # A torch.device context does not reach Keras, which names the device in every call.
    return keras.device(device["framework_name"])


def put(values, device):
    return torch.from_numpy(values.copy()).to(device["framework_name"])


def where(tensor):
    return str(getattr(tensor, "value", tensor).device)


def arithmetic(device):
    if os.environ.get("ONEDNN_DEFAULT_FPMATH_MODE") or os.environ.get("DNNL_DEFAULT_FPMATH_MODE"):
        return "bfloat16"  # the user allowed coarse products
    return {"cpu": "float32", "gpu": "tf32"}.get(device["kind"], "bfloat16")


def why_not(stage, device):
    return _why_not_compile(device) if stage == "compile" else None


def _why_not_compile(device):
    if not hasattr(torch, "compile"):
        return "PyTorch %s has no torch.compile" % torch.__version__
    if sys.platform == "win32":
        return "torch.compile is not tried on Windows"
    if device["kind"] == "cpu":
        compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    elif device["kind"] == "gpu":
        if importlib.util.find_spec("triton") is None:
            return "torch.compile needs the package 'triton' for this GPU, and it is not installed"
        compiler = os.environ.get("CC") or next((name for name in ("gcc", "clang") if shutil.which(name)), "gcc")
    else:
        return "torch.compile is not tried on %s" % device["kind"]
    from torch import _dynamo

    if not getattr(_dynamo, "is_dynamo_supported", lambda: True)():
        return "torch.compile of PyTorch %s does not support Python %s" % (version(), sys.version.split()[0])
    return _why_no_compiler(compiler)


def _why_no_compiler(compiler):
    """Say why generated code cannot be built: torch.compile includes Python.h in all that it builds."""
    if shutil.which(compiler.split()[0]) is None:
        return "torch.compile needs a compiler, and there is no %s" % compiler
    language = "c++" if "++" in compiler else "c"
    headers = sysconfig.get_paths()["include"]
    command = [*compiler.split(), "-x", language, "-", "-fsyntax-only", "-I", headers]
    tried = subprocess.run(command, input=b"#include <Python.h>\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if tried.returncode:
        words = tried.stdout.decode("utf-8", "replace").strip().splitlines()
        return "torch.compile needs a working compiler; %s says: %s" % (compiler, " ".join(words[:2])[:400])
    return None


def compiled(function, device, folder):
    # A folder of our own: results kept from other runs would hide a compiler that fails today.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "inductor")
    os.environ["TRITON_CACHE_DIR"] = os.path.join(folder, "triton")
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # else it starts a pool of processes for one kernel
    from torch._inductor import config

    options = {}
    if hasattr(config.cpp, "vec_isa_ok"):
        options["cpp.vec_isa_ok"] = False  # else seven trial builds, one for each instruction set
    if hasattr(config, "cpp_cache_precompile_headers"):
        options["cpp_cache_precompile_headers"] = False  # pays off from the second kernel on; there is one
    return torch.compile(function, options=options)


def reduced_dtypes(device):
    if device["kind"] != "gpu":
        return ["bfloat16"]
    # bfloat16 came with compute capability 8.0 (CUDA C++ Programming Guide, table of compute capabilities).
    major = torch.cuda.get_device_capability(int(device["framework_name"].split(":")[1]))[0]
    return ["float16", "bfloat16"] if major >= 8 else ["float16"]


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One process for each of several devices, or else replicas in this one with their gradients added up."""
    names = [device["framework_name"] for device in devices]
    if len(names) > 1 and names[0].startswith(("cpu", "cuda")) and torch.distributed.is_available():
        return torch_processes.step(names, inputs, targets, weights, rate, folder)
    rows = [torch.chunk(torch.from_numpy(values.copy()), len(devices)) for values in (inputs, targets)]
    loss, total, places = 0.0, 0.0, []
    for name, left, right in zip(names, *rows):
        replica = torch.from_numpy(weights.copy()).to(name).requires_grad_()
        part = ((left.to(name) @ replica - right.to(name)) ** 2).sum()
        part.backward()
        loss += float(part)
        total = total + replica.grad.cpu().numpy()
        places.append(str(part.device))
    return loss, weights - rate * total, sorted(places)
