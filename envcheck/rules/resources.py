"""Memory and disk space."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.packages import python
from envcheck.fixes.system import by_system
from envcheck.model.facts import Facts, FileSystem, NvidiaGpu
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, in_container, listed, matching, usable_gpus
from envcheck.words import sentence, template

MIB = 1024**2
GIB = 1024**3
MEMORY_OF_A_SMALL_MODEL_BYTES = 1 * GIB
"""TensorFlow 2.21 with a tiny Keras model peaks at 0.9 GiB, the others below (measured on 2026-11-22, x86-64)."""
DISK_FULL_BYTES = 64 * MIB
"""Less than this and small files, logs and caches fail too."""
DISK_LOW_BYTES = {"target": 1 * GIB, "home": 256 * MIB, "temporary": 256 * MIB}
"""A framework with its packages takes 0.4 to 2 GB without CUDA libraries, 4.7 GB with them (measured 2026-11-22)."""
DOCKER_SHM_BYTES = 64 * MIB
"""What Docker gives to a container that asks for nothing (docs.docker.com, docker run, --shm-size)."""
GPU_MEMORY_LEFT_BYTES = 1 * GIB
"""CUDA, cuDNN and cuBLAS need several hundred MiB for themselves before a model gets any."""

FREE_MEMORY = template("Close other programs, or give the machine or the container more memory")
FREE_SPACE = template("Delete what is not needed on the disk of {path}; the cache of pip is a start")
MOVE_TEMPORARY = template("Let temporary files go to another disk")
BIGGER_SHM = template("Start the container with more shared memory: docker run --shm-size=8g IMAGE (or --ipc=host)")
OPEN_SHM = template("Give /dev/shm its usual permissions again")
FIND_HOLDER = template("See which programs hold the memory, and end those that are not needed")
CGROUPS = "https://docs.kernel.org/admin-guide/cgroup-v2.html"
DOCKER_RUN = "https://docs.docker.com/reference/cli/docker/container/run/"
PIP_CACHE = "https://pip.pypa.io/en/stable/cli/pip_cache/"
TMPDIR = "https://docs.python.org/3/library/tempfile.html#tempfile.gettempdir"
PURPOSES = {
    "target": template("the target's packages"),
    "home": template("the home folder"),
    "temporary": template("temporary files"),
    "shared-memory": template("shared memory"),
}


@rule(
    "memory-low",
    severity="warning",
    layer="hardware",
    title=template("Little main memory is free: {available:.1f} GiB"),
    message=template(
        "{available:.1f} GiB of main memory is free for new programs (in a container: of its limit). Importing a "
        "framework and training the smallest model takes up to {needed:.0f} GiB; with less the system may kill the "
        "process without a word."
    ),
)
def memory_low(facts: Facts) -> Iterator[Failure]:
    """Less main memory is free than a framework needs to start.

    The kernel ends a process for which no memory is left, and a notebook says only that the kernel died. The limit of a
    container or a job counts, not only the size of the machine.
    """
    available = need(facts.hardware.memory.volatile.available_bytes)
    if available is not None and available < MEMORY_OF_A_SMALL_MODEL_BYTES:
        yield Failure(
            evidence=("/hardware/memory/volatile/available_bytes", "/hardware/memory/limit_bytes"),
            fields={"available": available / GIB, "needed": MEMORY_OF_A_SMALL_MODEL_BYTES / GIB},
            fixes=(by_hand(FREE_MEMORY, CGROUPS),),
        )


def _file_systems(facts: Facts, *purposes: str) -> list[tuple[int, FileSystem]]:
    return [(i, found) for i, found in enumerate(need(facts.platform.filesystems)) if found.purpose in purposes]


@rule(
    "disk-full",
    severity="error",
    layer="platform",
    title=template("Little space is left on the disk for {purpose}: {available:.0f} MiB"),
    message=template(
        "{available:.0f} MiB is left where {path} lies. Installations end with 'No space left on device' or leave "
        "files cut short, and programs that write caches or models fail."
    ),
)
def disk_full(facts: Facts) -> Iterator[Failure]:
    """A disk that matters to the stack is full or nearly so: of the packages, the home folder or temporary files.

    It is an error below 64 MiB, where nearly everything fails, and a warning below what a framework needs to be
    installed. A read-only disk is never called full. Quotas of a home folder count as its size.
    """

    places = _file_systems(facts, *DISK_LOW_BYTES)

    def is_low(place: tuple[int, FileSystem]) -> bool:
        found = place[1]
        # Windows does not tell whether one may write; a read-only image, which is always full, is none of its drives.
        return known(found.writable, True) and need(found.volatile.available_bytes) < DISK_LOW_BYTES[found.purpose]

    low = [place for _, place in matching(places, is_low)]
    if not low:
        return
    available = min(need(found.volatile.available_bytes) for _, found in low)
    path = low[0][1].path
    purge, space = f"{python(facts)} -m pip cache purge", f"df -h {shell.path(facts, path)}"
    fixes = [in_shell(FREE_SPACE, purge, source=PIP_CACHE, verify=space, path=path)]
    if any(found.purpose == "temporary" for _, found in low):
        fixes.append(by_hand(MOVE_TEMPORARY, TMPDIR))
    yield Failure(
        evidence=tuple(f"/platform/filesystems/{index}/volatile/available_bytes" for index, _ in low),
        fields={
            "purpose": listed(sentence(PURPOSES[found.purpose]) for _, found in low),
            "path": listed(dict.fromkeys(found.path for _, found in low)),
            "available": available / MIB,
        },
        fixes=tuple(fixes),
        severity="error" if available < DISK_FULL_BYTES else "warning",
    )


@rule(
    "container-shm-too-small",
    severity="warning",
    layer="platform",
    title=template("The container has only {total:.0f} MiB of shared memory"),
    message=template(
        "{path} is {total:.0f} MiB, what a container gets that asks for nothing. PyTorch's data loaders hand batches "
        "over through it, and several GPUs talk through it (NCCL): they end with 'Bus error' or 'No space left on "
        "device', which means no disk."
    ),
)
def container_shm_too_small(facts: Facts) -> Iterator[Failure]:
    """The shared memory (/dev/shm) of a container is too small for data loaders and for several GPUs.

    Docker gives 64 MiB. It matters to PyTorch with 'num_workers' and to programs on several GPUs; where neither PyTorch
    nor a second GPU is there, nothing is said.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    several_gpus = len(known(facts.driver.nvidia.gpus, ())) > 1
    if backend(facts, "torch") is None and not several_gpus:
        raise NotApplicable("neither PyTorch nor several GPUs")
    for index, found in _file_systems(facts, "shared-memory"):
        total = need(found.total_bytes)
        if total <= DOCKER_SHM_BYTES:
            yield Failure(
                evidence=(f"/platform/filesystems/{index}/total_bytes", "/platform/container"),
                fields={"path": found.path, "total": total / MIB},
                fixes=(by_hand(BIGGER_SHM, DOCKER_RUN),),
            )


@rule(
    "shm-permission-denied",
    severity="error",
    layer="platform",
    title=template("This user may not write to {path}"),
    message=template(
        "{path} holds the memory that processes share, and this user may not write there. Data loaders with several "
        "processes and programs on several GPUs fail with 'Permission denied'."
    ),
)
def shm_permission_denied(facts: Facts) -> Iterator[Failure]:
    """/dev/shm has lost its usual permissions (every user may write, 1777)."""
    for index, found in _file_systems(facts, "shared-memory"):
        if not need(found.writable):
            source = "https://man7.org/linux/man-pages/man7/shm_overview.7.html"
            yield Failure(
                evidence=(f"/platform/filesystems/{index}/writable",),
                fields={"path": found.path},
                fixes=(
                    by_system(
                        OPEN_SHM,
                        (f"sudo chmod 1777 {found.path}",),
                        source,
                        restart="none",
                        verify=f"ls -ld {found.path}",
                    ),
                ),
            )


@rule(
    "gpu-memory-held-by-other-process",
    severity="warning",
    layer="platform",
    title=template("Other programs hold nearly all memory of {gpu}"),
    message=template(
        "Of the memory of {gpu} only {free:.1f} GiB of {total:.1f} GiB was free before envcheck did anything. New "
        "programs end with 'out of memory', or with a failure of cuDNN or cuBLAS to start, which is the same."
    ),
)
def gpu_memory_held_by_other_process(facts: Facts) -> Iterator[Failure]:
    """Another program holds the GPU's memory: an old notebook kernel, a job of somebody else, a process that hangs.

    Frameworks reserve most of the memory at their start and keep it to their end. Signs: 'CUDA_ERROR_OUT_OF_MEMORY',
    'failed to create cublas handle', 'Could not create cudnn handle'. Inside containers and under WSL the programs of
    others are not listed, but their memory is missing all the same.
    """

    def is_held(gpu: NvidiaGpu) -> bool:
        free = need(gpu.volatile.memory_free_bytes)
        return free < GPU_MEMORY_LEFT_BYTES and free < need(gpu.memory_total_bytes) / 2

    held = matching([gpu for _, gpu in usable_gpus(facts)], is_held)
    if held:
        command = "nvidia-smi --query-compute-apps=pid,used_memory,name --format=csv"
        yield Failure(
            evidence=tuple(
                f"/driver/nvidia/gpus/{place}/{fact}"
                for place, _ in held
                for fact in ("volatile/memory_free_bytes", "memory_total_bytes")
            ),
            fields={
                "gpu": listed(known(gpu.name, "GPU") for _, gpu in held),
                "free": need(held[0][1].volatile.memory_free_bytes) / GIB,
                "total": need(held[0][1].memory_total_bytes) / GIB,
            },
            fixes=(look(FIND_HOLDER, command, source="https://docs.nvidia.com/deploy/nvidia-smi/index.html"),),
        )
