"""NVIDIA's driver: what the kernel's files, NVML, the CUDA driver API and the files on disk say."""

import re
from concurrent.futures import ThreadPoolExecutor

from envcheck.host import Host
from envcheck.model.facts import NvidiaDriver
from envcheck.model.unknown import Unknown
from envcheck.probes import cuda_driver, driver_libraries, files, modules, nvidia_kernel, nvml, visible_devices

VERSION_FILE = "/proc/driver/nvidia/version"
MODULE_VERSION_FILE = "/sys/module/nvidia/version"
_VERSION = re.compile(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)")


def probe(host: Host) -> NvidiaDriver:
    """Look at the driver and its GPUs.

    NVML is asked even where the kernel shows no driver: under WSL 2 the driver belongs to Windows, and NVML is the
    only one who knows it.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        cuda = pool.submit(cuda_driver.ask, host)
        answer = pool.submit(nvml.ask, host).result()
    loaded = modules.is_loaded(host, "nvidia")
    module_version, flavour = _kernel_module(host)
    version, how = _driver_version(host, answer, module_version)
    gpus = answer.gpus
    if answer.nvml.status == "library-missing" and loaded is False:
        gpus = ()
    return NvidiaDriver(
        version=version,
        version_how=how,
        kernel_module_loaded=loaded,
        kernel_module_version=module_version,
        kernel_module_flavour=flavour,
        cuda_driver_api_version=answer.cuda_version,
        nvml=answer.nvml,
        gpus=gpus,
        kernel=nvidia_kernel.probe(host),
        cuda=cuda.result(),
        visible_devices=visible_devices.resolve(host.environ, gpus),
        libraries=driver_libraries.probe(host),
    )


def _kernel_module(host: Host) -> tuple[str | None | Unknown, str | None | Unknown]:
    """Return version and flavour of the loaded kernel module."""
    text = host.read_text(VERSION_FILE)
    if isinstance(text, str):
        match = _VERSION.search(text)
        flavour = "open" if "Open Kernel Module" in text else "proprietary"
        version = match.group(1) if match else Unknown("failed", f"{VERSION_FILE} is not understood: {text[:80]!r}")
        return version, flavour
    version_line = files.line(host, MODULE_VERSION_FILE)
    if isinstance(text, Unknown):
        return (version_line if isinstance(version_line, str) else text), text
    return version_line, None if version_line is None else Unknown("failed", f"{VERSION_FILE} is missing")


def _driver_version(
    host: Host, answer: nvml.Answer, module_version: str | None | Unknown
) -> tuple[str | None | Unknown, str | None | Unknown]:
    if isinstance(answer.driver_version, str):
        return answer.driver_version, "nvml"
    if isinstance(module_version, str):
        return module_version, VERSION_FILE if host.is_file(VERSION_FILE) else MODULE_VERSION_FILE
    if isinstance(module_version, Unknown):
        return module_version, module_version
    return answer.driver_version, answer.driver_version
