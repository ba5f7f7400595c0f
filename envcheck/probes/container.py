"""Whether envcheck runs in a container, of which kind, and how that was seen; and whether under WSL."""

import re

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files

_CGROUP_WORDS = (
    ("kubernetes", re.compile(r"/kubepods|\bkubelet\b")),
    ("docker", re.compile(r"/docker[/-]")),
    ("podman", re.compile(r"/libpod[-_]|/machine\.slice/libpod")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./]")),
    ("containerd", re.compile(r"cri-containerd|/containerd/")),
)
_ENGINE_NAMES = {"oci": "docker", "systemd-nspawn": "systemd-nspawn", "lxc-libvirt": "lxc"}

Seen = tuple[str | None, str | None]


def container(host: Host) -> tuple[str | None | Unknown, str | None | Unknown]:
    """Return the kind of container and the file or variable that tells; (None, None) outside of any.

    The signs are those that the engines document or leave: Apptainer's and Kubernetes' variables, Podman's
    /run/.containerenv, Docker's /.dockerenv, the variable ``container`` of systemd's container interface,
    the names of control groups.
    """
    for look in (_apptainer, _kubernetes, _marker_files, _container_variable, _cgroup_names):
        kind, how = look(host)
        if kind is not None:
            return kind, how
    return None, None


def _apptainer(host: Host) -> Seen:
    for name, kind in (("APPTAINER_CONTAINER", "apptainer"), ("SINGULARITY_CONTAINER", "singularity")):
        if host.environ.get(name):
            return kind, name
    if host.is_dir("/.singularity.d"):
        return "apptainer", "/.singularity.d"
    return None, None


def _kubernetes(host: Host) -> Seen:
    if host.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes", "KUBERNETES_SERVICE_HOST"
    account = "/run/secrets/kubernetes.io/serviceaccount"
    for path in (account, "/var" + account):
        if host.is_dir(path):
            return "kubernetes", path
    return None, None


def _marker_files(host: Host) -> Seen:
    if host.exists("/run/.containerenv") is True:
        return "podman", "/run/.containerenv"
    if host.exists("/.dockerenv") is True:
        return "docker", "/.dockerenv"
    return None, None


def _container_variable(host: Host) -> Seen:
    name = files.line(host, "/run/systemd/container")
    if isinstance(name, str) and name:
        return _ENGINE_NAMES.get(name, name), "/run/systemd/container"
    first = host.read_text("/proc/1/environ", 256 * 1024)
    variables = first.split("\0") if isinstance(first, str) else []
    for variable in variables:
        key, _, value = variable.partition("=")
        if key == "container" and value:
            return _ENGINE_NAMES.get(value, value), "/proc/1/environ"
    value = host.environ.get("container", "")
    return (_ENGINE_NAMES.get(value, value), "the variable 'container'") if value else (None, None)


def _cgroup_names(host: Host) -> Seen:
    for path in ("/proc/self/cgroup", "/proc/1/cgroup"):
        text = host.read_text(path)
        for kind, pattern in _CGROUP_WORDS:
            if isinstance(text, str) and pattern.search(text):
                return kind, path
    return None, None


def wsl(host: Host) -> str | None | Unknown:
    """Return ``1`` or ``2`` under the Windows Subsystem for Linux, None elsewhere.

    Microsoft's kernels carry its name in their release: ``5.15.153.1-microsoft-standard-WSL2``, and in WSL 1, which
    has no Linux kernel at all, always ``4.4.0-19041-Microsoft`` with the build of Windows. With a kernel of one's own,
    WSL 2 still sets its variables and has /dev/dxg.
    """
    release = files.line(host, "/proc/sys/kernel/osrelease")
    name = release.lower() if isinstance(release, str) else ""
    if re.fullmatch(r"4\.4\.0-\d+-microsoft", name):
        return "1"
    variables = host.environ.get("WSL_INTEROP") or host.environ.get("WSL_DISTRO_NAME")
    if "microsoft" in name or variables or host.exists("/dev/dxg") is True:
        return "2"
    return release if isinstance(release, Unknown) else None
