"""NVIDIA's GPUs as NVML tells them. The library is asked in a child, because drivers hang and crash."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envcheck.child import ChildResult
from envcheck.host import Host
from envcheck.model.facts import NvidiaGpu, Nvml
from envcheck.model.unknown import Unknown
from envcheck.probes.nvml_gpu import REASONS, read_gpu, value_of

SECONDS = 15.0  #: for one child; a healthy machine with eight GPUs answers within one
CHILDREN = 3  #: a GPU whose call kills the child is left out, and a new child asks the others


@dataclass(frozen=True)
class Answer:
    """What NVML said: about itself, about the driver, and about each GPU."""

    nvml: Nvml
    driver_version: str | None | Unknown
    cuda_version: str | None | Unknown
    gpus: tuple[NvidiaGpu, ...] | Unknown


def ask(host: Host) -> Answer:
    """Ask NVML in a child of envcheck's own interpreter. Every ending of the child has its own answer."""
    specification = importlib.util.find_spec("pynvml")
    if specification is None or specification.origin is None:
        return _nothing(Unknown("failed", "nvidia-ml-py is not installed beside envcheck"), None)
    values: dict[int | None, dict[str, list[Any]]] = {}
    culprits: dict[int, Unknown] = {}
    first: ChildResult | None = None
    for _ in range(CHILDREN):
        result = host.run_worker(
            sys.executable,
            "nvml",
            {"pynvml": specification.origin, "skip": sorted(culprits)},
            timeout=min(SECONDS, host.timeout),
            isolated=True,  # the user's PYTHONPATH is not for envcheck's own interpreter
        )
        first = first or result
        for index, key, answer in result.all("value"):
            values.setdefault(index, {}).setdefault(key, []).append(answer)
        culprit = _gpu_of(result.stage)
        if result.ending == "done" or culprit is None:
            break
        culprits[culprit] = why_unfinished(result, "NVML")
    assert first is not None
    return _answer(host, first, values, culprits)


def _gpu_of(stage: str | None) -> int | None:
    """Return the GPU that a stage such as ``gpu 3: temperature`` is about."""
    word, _, rest = (stage or "").partition(" ")
    number = rest.partition(":")[0]
    return int(number) if word == "gpu" and number.isdecimal() else None


def why_unfinished(result: ChildResult, asked: str) -> Unknown:
    """Say how a child ended that did not finish asking a driver's library, such as ``NVML``."""
    if result.stage is None:
        how = result.signal_name or (result.error or {}).get("message") or result.ending
        return Unknown("failed", f"the process that should ask {asked} did not get that far: {how}")
    stage = result.stage
    if result.ending == "timed-out":
        return Unknown("timed-out", f"{asked} gave no answer within {result.seconds:.0f} s (at: {stage})")
    if result.ending == "signal":
        return Unknown("crashed", f"{asked} ended the process with {result.signal_name} (at: {stage})")
    words = (result.error or {}).get("message", f"exit status {result.exit_status}")
    return Unknown("failed", f"the process that asked {asked} ended early: {words} (at: {stage})")


def _answer(
    host: Host, result: ChildResult, values: Mapping[int | None, dict[str, list[Any]]], culprits: Mapping[int, Unknown]
) -> Answer:
    library = result.last("library")
    load_error, init_error = result.last("load_error"), result.last("init_error")
    if load_error is not None:
        missing = load_error.startswith(("libnvidia-ml.so.1: cannot open", "Error loading shared library libnvidia-ml"))
        missing = (missing and "No such file" in load_error) or "no such file" in load_error
        status = "library-missing" if missing else "library-unusable"
        nvml = Nvml(status=status, error=load_error, library=None, error_code=None, version=None)
        return Answer(nvml, None, None, Unknown("failed", load_error))
    if init_error is not None:
        return _failed_call(init_error, library)
    system = values.get(None, {})
    if result.ending != "done" and not culprits:
        return _nothing(why_unfinished(result, "NVML"), library)
    count = value_of(system, "count", Unknown("failed", "NVML did not count the GPUs"))
    cuda = value_of(system, "cuda", Unknown("failed", "NVML did not tell"))
    return Answer(
        nvml=Nvml(
            status="ok",
            error=None,
            library=library,
            error_code=None,
            version=value_of(system, "nvml", Unknown("failed", "NVML did not tell")),
        ),
        driver_version=value_of(system, "driver", Unknown("failed", "NVML did not tell")),
        cuda_version=cuda_version(cuda) if isinstance(cuda, int) else cuda,
        gpus=count
        if isinstance(count, Unknown)
        else tuple(read_gpu(host, index, values.get(index, {}), culprits.get(index)) for index in range(count)),
    )


def _failed_call(error: Mapping[str, Any], library: str | None) -> Answer:
    words = f"{error['name']}: {error['text']}"
    if error["code"] == 12:  # NVML_ERROR_LIBRARY_NOT_FOUND, where pynvml itself looks for the library (Windows)
        return Answer(
            Nvml(status="library-missing", error=words, library=None, error_code=12, version=None),
            None,
            None,
            Unknown("failed", words),
        )
    failed = Unknown(REASONS.get(error["code"], "failed"), words)
    nvml = Nvml(status="error", error=words, library=library, error_code=error["code"], version=failed)
    return Answer(nvml, failed, failed, failed)


def _nothing(why: Unknown, library: str | None) -> Answer:
    nvml = Nvml(status=why, error=why.detail, library=library, error_code=None, version=why)
    return Answer(nvml, why, why, why)


def cuda_version(number: int) -> str:
    """Return the version that CUDA packs into a number: 12040 is 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"
