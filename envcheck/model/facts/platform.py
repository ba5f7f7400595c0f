"""The operating system and what stands around it: container, WSL, cloud, scheduler, environment."""

import msgspec

from envcheck.model.facts.kinds import NOT_RECORDED, Count, Flag, OptionalCount, OptionalFlag, OptionalText, Text, Texts
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


class EnvironmentVariable(Record, frozen=True, kw_only=True):
    """One variable that matters to the stack (an allow-list decides, see ``probes/platform.py``)."""

    name: str
    value: str


class RuntimeLibrary(Record, frozen=True, kw_only=True):
    """A library of Microsoft's C++ runtime."""

    name: str
    path: OptionalText  #: the first in the system's folder and on PATH; None: there is none
    version: OptionalText


class Windows(Record, frozen=True, kw_only=True):
    """What only Windows has; empty elsewhere."""

    runtime: tuple[RuntimeLibrary, ...] | Unknown
    long_paths_enabled: OptionalFlag  #: paths may be longer than 260 characters; None: not Windows
    smart_app_control: OptionalText  #: ``on``, ``off`` or ``evaluation``; None: this Windows has none


class Preload(Record, frozen=True, kw_only=True):
    """A library that the dynamic loader is told to put into every process (LD_PRELOAD)."""

    name: str  #: as the variable has it
    file: OptionalText  #: what the loader takes; None: it finds none, says so, and goes on without
    machine: OptionalText  #: the processor architecture that the file was made for; None: there is no file


class FileSystemVolatile(Record, frozen=True, kw_only=True):
    available_bytes: Count


class FileSystem(Record, frozen=True, kw_only=True):
    """Where something that matters is stored."""

    purpose: str  #: ``target``, ``home``, ``temporary`` or ``shared-memory``
    path: str
    total_bytes: Count
    writable: Flag
    executable: Flag = NOT_RECORDED  #: not mounted with the option noexec
    volatile: FileSystemVolatile


class ProbeFailure(Record, frozen=True, kw_only=True):
    """A probe of envcheck that ended with an error of its own."""

    name: str
    error: str


class Tool(Record, frozen=True, kw_only=True):
    """envcheck itself."""

    version: Text
    executable: Text
    python_version: Text
    probe_failures: tuple[ProbeFailure, ...] = ()  #: filled by the report builder


class CdiSpecification(Record, frozen=True, kw_only=True):
    """A file that tells container engines how to pass devices through (Container Device Interface)."""

    path: str
    kind: OptionalText  #: such as ``nvidia.com/gpu``
    driver_versions: Texts  #: of the driver files that it names


class ContainerDevices(Record, frozen=True, kw_only=True):
    """What a container gets of the GPUs, or what this host could pass to one."""

    nvidia_visible_devices: OptionalText  #: the variable; ``void`` and ``none`` ask for no GPU
    nvidia_driver_capabilities: OptionalText  #: the variable; without ``compute`` or ``all`` there is no libcuda
    nvidia_requirement: OptionalText  #: NVIDIA_REQUIRE_CUDA of the image
    driver_mounts: Texts  #: files of NVIDIA's driver that the container runtime mounted
    driver_files_in_image: Texts  #: files of NVIDIA's driver that belong to the image itself
    toolkit: OptionalText  #: the program nvidia-ctk or nvidia-container-cli
    docker_runtimes: Texts  #: of /etc/docker/daemon.json
    cdi_specifications: tuple[CdiSpecification, ...] | Unknown
    engine: OptionalText = NOT_RECORDED  #: the program docker or podman; None: neither is on PATH
    kubelet_plugins: Texts | None = (
        NOT_RECORDED  #: sockets of Kubernetes's device plug-ins and drivers; None: no node of Kubernetes
    )


class StartupFile(Record, frozen=True, kw_only=True):
    """A file that shells read at their start, and the folders that it puts into LD_LIBRARY_PATH."""

    path: str
    folders: Texts


class Scheduler(Record, frozen=True, kw_only=True):
    """The batch system or orchestrator that started this process."""

    name: OptionalText  #: ``slurm``, ``kubernetes``, ``lsf``, ``pbs``, ``grid-engine``, ``ray``; None: none
    how: OptionalText
    gpus_allocated: OptionalText  #: as the scheduler writes it; None: it gave none, or does not tell
    gpus_allocated_how: OptionalText
    cpus_allocated: OptionalText


class Cloud(Record, frozen=True, kw_only=True):
    """Whose machine this is, as files and variables tell. Nothing is asked over the network."""

    provider: OptionalText  #: ``aws``, ``gcp``, ``azure``, ``oracle``, ...; None: no sign of any
    provider_how: OptionalText
    machine_type: OptionalText  #: the firmware's name of the product
    hosted: OptionalText  #: ``colab``, ``kaggle``, ``sagemaker``, ``databricks``, ``codespaces``, ...; None: none
    hosted_how: OptionalText


class ServerProcess(Record, frozen=True, kw_only=True):
    """A server or a notebook kernel of this user that runs now."""

    program: str  #: such as ``jupyter-lab``, ``ipykernel_launcher`` or ``gunicorn``
    pid: int
    environment: tuple[EnvironmentVariable, ...]  #: its own: those of the allow-list


class PlatformVolatile(Record, frozen=True, kw_only=True):
    servers: tuple[ServerProcess, ...] | Unknown


class Platform(Record, frozen=True, kw_only=True):
    system: Text  #: ``Linux``, ``Darwin`` or ``Windows``
    release: Text  #: of the kernel
    machine: Text  #: the kernel's name of the processor architecture, such as ``x86_64``
    os_id: OptionalText  #: ID of /etc/os-release, such as ``debian``
    os_version: OptionalText
    os_name: OptionalText  #: for people, such as ``Debian GNU/Linux 12 (bookworm)``
    libc_name: OptionalText  #: ``glibc`` or ``musl``
    libc_version: OptionalText
    container: OptionalText  #: ``docker``, ``podman``, ``kubernetes``, ``apptainer``, ``lxc``, ...; None: not in one
    container_how: OptionalText  #: the file or variable that tells
    wsl: OptionalText  #: ``1`` or ``2``; None: not under WSL
    home: OptionalText  #: the user's home folder; None: there is none
    environment: tuple[EnvironmentVariable, ...] | Unknown
    filesystems: tuple[FileSystem, ...] | Unknown
    board: OptionalText = NOT_RECORDED  #: of a device-tree machine, such as ``NVIDIA Jetson AGX Orin``
    secure_boot: OptionalText = NOT_RECORDED  #: ``enabled`` or ``disabled``; None: the machine has no UEFI
    os_variant: OptionalText = NOT_RECORDED  #: VARIANT_ID of /etc/os-release, such as ``silverblue``
    processes_limit: OptionalCount = NOT_RECORDED  #: how many processes and threads this user may have; None: no limit
    processes_limit_how: OptionalText = NOT_RECORDED
    lockdown: OptionalText = NOT_RECORDED  #: of the kernel: ``none``, ``integrity`` or ``confidentiality``
    container_devices: ContainerDevices = msgspec.field(
        default_factory=lambda: all_unknown(ContainerDevices, NOT_RECORDED)
    )
    scheduler: Scheduler = msgspec.field(default_factory=lambda: all_unknown(Scheduler, NOT_RECORDED))
    cloud: Cloud = msgspec.field(default_factory=lambda: all_unknown(Cloud, NOT_RECORDED))
    network_interfaces: Texts = NOT_RECORDED  #: their names, with the loopback ``lo``
    startup_files: tuple[StartupFile, ...] | Unknown = NOT_RECORDED  #: of shells, that set LD_LIBRARY_PATH
    preloads: tuple[Preload, ...] | Unknown = NOT_RECORDED
    windows: Windows = msgspec.field(default_factory=lambda: all_unknown(Windows, NOT_RECORDED))
    volatile: PlatformVolatile = msgspec.field(default_factory=lambda: all_unknown(PlatformVolatile, NOT_RECORDED))
    tool: Tool
