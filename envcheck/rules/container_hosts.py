"""Hosts of containers: whether they can hand their GPUs in."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system, install_driver
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import NVML_STATUS, on_host, on_host_with_gpu
from envcheck.rules.shared import nvidia_on_bus, usable_gpus
from envcheck.words import template

TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"
PLUGIN = "https://github.com/NVIDIA/k8s-device-plugin"
DEVICES = "/platform/container_devices"
INSTALL = template(
    "Install NVIDIA's container toolkit (its package source has to be added first, see the guide) and register it"
)
INSTALL_BY_HAND = template("Install NVIDIA's container toolkit as its guide tells, and register it with {engine}")
NOT_FROM_SNAP = template("Install Docker from its own packages: the one from snap cannot reach the toolkit")
LOOK_AT_PLUGIN = template("See whether the device plug-in runs on this node, and what it says")


@rule(
    "container-toolkit-missing",
    severity="info",
    layer="platform",
    title=template("{engine} cannot hand the GPU to containers"),
    message=template(
        "This machine has an NVIDIA GPU and {engine}, but not NVIDIA's container toolkit. Containers run without the "
        "GPU; whoever asks for it gets 'could not select device driver'. This matters only if containers are to use it."
    ),
)
def container_toolkit_missing(facts: Facts) -> Iterator[Failure]:
    """Docker or Podman is there, the GPU works, and nothing can pass it on: neither nvidia-ctk nor a CDI file.

    It is a note: many such machines run containers that need no GPU. It is a warning where Docker's settings name
    NVIDIA's runtime, for then every container that uses it fails.
    """
    on_host(facts)
    if not usable_gpus(facts):
        raise NotApplicable("no GPU works here")
    devices = facts.platform.container_devices
    engine = need(devices.engine)
    if engine is None:
        raise NotApplicable("neither Docker nor Podman is on PATH")
    if need(devices.toolkit) is not None or need(devices.cdi_specifications):
        return
    name = "Podman" if engine.endswith("podman") else "Docker"
    registered = "nvidia" in known(devices.docker_runtimes, ())
    yield Failure(
        evidence=(f"{DEVICES}/engine", f"{DEVICES}/toolkit", f"{DEVICES}/cdi_specifications"),
        fields={"engine": name},
        fixes=(by_hand(NOT_FROM_SNAP, TOOLKIT),) if engine.startswith("/snap/") else _install(facts, name),
        severity="warning" if registered else None,
    )


def _install(facts: Facts, engine: str) -> tuple[Fix, ...]:
    register = (
        ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",)
        if engine == "Podman"
        else ("sudo nvidia-ctk runtime configure --runtime=docker", "sudo systemctl restart docker")
    )
    install = commands(facts, "container-toolkit")
    if not install:
        return (by_hand(INSTALL_BY_HAND, TOOLKIT, engine=engine),)
    return (by_system(INSTALL, (*install, *register), TOOLKIT, "none"),)


@rule(
    "container-host-driver-missing",
    severity="warning",
    layer="platform",
    title=template("Containers get no GPU here: the host's NVIDIA driver does not work"),
    message=template(
        "NVIDIA's container toolkit is installed ({toolkit}) and there is an NVIDIA GPU, but the driver of this host "
        "does not work. Containers that ask for the GPU do not start ('driver not loaded', 'load library failed'), "
        "and no image can replace the host's driver."
    ),
    after=(
        "nvidia-driver-not-installed",
        "nouveau-bound-to-gpu",
        "vfio-bound-to-gpu",
        "nvidia-kernel-module-not-loaded",
        "nvidia-module-missing-for-kernel",
        "nvidia-dkms-build-failed",
        "secure-boot-rejects-nvidia-module",
        "nvidia-driver-reboot-pending",
        "nvidia-driver-mixed-versions",
        "nvml-library-missing",
        "nvml-fails",
    ),
)
def container_host_driver_missing(facts: Facts) -> Iterator[Failure]:
    """The toolkit that hands GPUs to containers is there, and the driver that it would hand in is not, or is dead.

    'nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1' is the sign. What is wrong with
    the driver has a finding of its own.
    """
    on_host_with_gpu(facts)
    toolkit = need(facts.platform.container_devices.toolkit)
    if toolkit is None:
        raise NotApplicable("NVIDIA's container toolkit is not installed")
    status = facts.driver.nvidia.nvml.status
    if isinstance(status, Unknown) or status == "ok":
        need(status)
        return
    index = nvidia_on_bus(facts)[0][0]
    yield Failure(
        evidence=(f"{DEVICES}/toolkit", NVML_STATUS, f"/hardware/pci/{index}/vendor_id"),
        fields={"toolkit": toolkit},
        fixes=(install_driver(facts),),
    )


@rule(
    "kubernetes-gpu-not-advertised",
    severity="warning",
    layer="platform",
    title=template("This node of Kubernetes does not offer its GPUs"),
    message=template(
        "Kubernetes runs on this machine and {gpu} works, but no device plug-in has registered with it. The "
        "cluster does not know of the GPU, and pods that ask for one wait for ever ('Insufficient nvidia.com/gpu')."
    ),
)
def kubernetes_gpu_not_advertised(facts: Facts) -> Iterator[Failure]:
    """A node has a working GPU, and no device plug-in and no driver has registered with kubelet.

    The plug-in is not installed, its pod does not run on this node, or it found no driver when it started. Inside a pod
    none of this can be seen. Plug-ins name their sockets as they like, so that any of them may be the GPU's.
    """
    on_host(facts)
    gpus = usable_gpus(facts)
    sockets = need(facts.platform.container_devices.kubelet_plugins)
    if not gpus or sockets is None or "kubelet.sock" not in sockets:
        raise NotApplicable("no node of Kubernetes with a GPU")
    # Drivers of storage (CSI) register in the same folder, on most nodes.
    if not any(name != "kubelet.sock" and "csi" not in name for name in sockets):
        command = "kubectl get pods -A -o wide | grep nvidia-device-plugin"
        yield Failure(
            evidence=(f"{DEVICES}/kubelet_plugins", "/driver/nvidia/gpus/0/name"),
            fields={"gpu": known(gpus[0][1].name, "a GPU")},
            fixes=(look(LOOK_AT_PLUGIN, command, "kubectl describe node | grep nvidia.com/gpu", source=PLUGIN),),
        )
