"""What a container gets of NVIDIA's GPUs, and what a host is set up to pass to one."""

import json
import posixpath
import re

from envcheck.host import Host
from envcheck.model.facts import CdiSpecification, ContainerDevices
from envcheck.model.unknown import Unknown
from envcheck.probes import driver_libraries, files

CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi", "/run/cdi")
KUBELET_PLUGINS = "/var/lib/kubelet/device-plugins"
"""kubernetes.io, 'Device Plugins': where they and kubelet have their sockets."""
KUBELET_REGISTRY = "/var/lib/kubelet/plugins_registry"
"""Where drivers register that offer devices through dynamic resource allocation (kubernetes.io, the example
dra/driver-install/daemonset.yaml of release 1.34, 2026-11-23), and drivers of storage."""
DRIVER_MOUNT = re.compile(r"/(?:lib(?:cuda|nvidia-[\w-]+|nvcuvid)\.so[\d.]*|nvidia-smi)$")


def probe(host: Host, container: str | None | Unknown) -> ContainerDevices:
    """Look at the variables of NVIDIA's container runtime, its mounts, and its configuration."""
    return ContainerDevices(
        nvidia_visible_devices=host.environ.get("NVIDIA_VISIBLE_DEVICES"),
        nvidia_driver_capabilities=host.environ.get("NVIDIA_DRIVER_CAPABILITIES"),
        nvidia_requirement=host.environ.get("NVIDIA_REQUIRE_CUDA"),
        driver_mounts=_mounts(host),
        driver_files_in_image=_files_in_image(host, container),
        toolkit=host.which("nvidia-ctk") or host.which("nvidia-container-cli"),
        docker_runtimes=_docker_runtimes(host),
        cdi_specifications=_cdi(host),
        engine=host.which("docker") or host.which("podman"),
        kubelet_plugins=_kubelet_plugins(host),
    )


def _mounts(host: Host) -> tuple[str, ...] | Unknown:
    text = files.required(host.read_text("/proc/self/mountinfo"), "/proc/self/mountinfo")
    if isinstance(text, Unknown):
        return text
    points = [fields[4] for fields in (entry.split() for entry in text.splitlines()) if len(fields) > 4]
    return tuple(sorted(point for point in points if DRIVER_MOUNT.search(point)))


def _files_in_image(host: Host, container: str | None | Unknown) -> tuple[str, ...] | Unknown:
    if container is None:
        return ()
    libraries = driver_libraries.probe(host)
    if isinstance(libraries, Unknown):
        return libraries
    return tuple(library.path for library in libraries if library.kind == "driver" and library.mounted is False)


def _docker_runtimes(host: Host) -> tuple[str, ...] | Unknown:
    text = host.read_text("/etc/docker/daemon.json")
    if not isinstance(text, str):
        return () if text is None else text
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        return Unknown("failed", f"/etc/docker/daemon.json: {error}")
    runtimes = document.get("runtimes", {}) if isinstance(document, dict) else {}
    return tuple(sorted(runtimes)) if isinstance(runtimes, dict) else ()


def _kubelet_plugins(host: Host) -> tuple[str, ...] | None | Unknown:
    """Return the sockets of device plug-ins and drivers; kubelet's own among them shows that it runs."""
    names, registered = host.list_dir(KUBELET_PLUGINS), host.list_dir(KUBELET_REGISTRY)
    if not isinstance(names, tuple):
        return names
    if isinstance(registered, Unknown):
        return registered
    return tuple(name for name in (*names, *(registered or ())) if name.endswith(".sock"))


def _cdi(host: Host) -> tuple[CdiSpecification, ...] | Unknown:
    found: dict[str, CdiSpecification] = {}
    for folder in CDI_FOLDERS:
        names = host.list_dir(folder)
        if isinstance(names, Unknown):
            return names
        for name in names or ():
            if name.endswith((".yaml", ".yml", ".json")):
                # /var/run is a link to /run nearly everywhere.
                found.setdefault(name, _specification(host, posixpath.join(folder, name)))
    return tuple(found.values())


def _specification(host: Host, path: str) -> CdiSpecification:
    text = host.read_text(path)
    if not isinstance(text, str):
        why = Unknown("failed", f"{path} went away") if text is None else text
        return CdiSpecification(path=path, kind=why, driver_versions=why)
    kind = re.search(r"""(?:^|[{,\s])["']?kind["']?:\s*["']?([\w./-]+)""", text)
    versions = re.findall(r"libcuda\.so\.(\d+\.\d+(?:\.\d+)?)", text)
    return CdiSpecification(
        path=path, kind=kind.group(1) if kind else None, driver_versions=tuple(dict.fromkeys(versions))
    )
