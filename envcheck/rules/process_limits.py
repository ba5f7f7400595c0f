"""What a process may have besides memory: threads, a network interface, a device that serves one program at a time."""

import re
from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import (
    error_unless_proven,
    for_each_framework,
    in_container,
    last_words,
    title_of,
    usable_gpus,
    variable,
)
from envcheck.words import template

NO_THREAD = re.compile(
    r"pthread_create(?:\(\))? failed|pthread_create failed for thread|pthread_create: Resource temporarily unavailable"
    r"|can't start new thread|Thread creation failed|RLIMIT_NPROC"
)
"""Words of TensorFlow and XLA (env.cc), of OpenBLAS (driver/others/blas_server.c), of libgomp
('libgomp: Thread creation failed'), and of Python ('can't start new thread')."""
THREADS_FOR_EACH_PROCESSOR = 64
"""More than a dozen programs of a framework start: TensorFlow 2, OpenBLAS and OpenMP 1 each for every processor. With a
limit above that something else keeps threads from starting, usually memory."""
TPU_HELD = re.compile(
    r"TPU is already in use by process with pid|libtpu\S* already in use by another process|libtpu_lockfile"
)
"""Words of libtpu and of JAX (jax-ml/jax#10192, #22070)."""
TPU_LOCK = "/tmp/libtpu_lockfile"
RLIMITS = "https://man7.org/linux/man-pages/man2/getrlimit.2.html"
PIDS = "https://docs.kernel.org/admin-guide/cgroup-v2.html#pid"
NCCL = "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html#nccl-socket-ifname"
JAX_TPU = "https://docs.cloud.google.com/tpu/docs/troubleshooting/trouble-jax"
FEWER_THREADS = template("Start with fewer threads")
HIGHER_LIMIT = template("Raise the limit of processes in this shell, as far as the administrator allows")
MORE_PIDS = template("Start the container or the job with more: docker run --pids-limit=4096 IMAGE")
WITHOUT_NAME = template("Let NCCL choose the interface itself; also where the variable is set: job script, image")
SEE_HOLDER = template("See which program holds the TPU and end it; remove the lock only when none does")


@rule(
    "thread-limit-reached",
    severity="error",
    layer="platform",
    title=template("This user may not start enough threads: {limit}"),
    message=template(
        "{limit} processes and threads are allowed here ({how}), and {framework} could not start its own: frameworks "
        "start a thread for each of the {cores} processors, several times over. What is said then sounds like a "
        "lack of memory."
    ),
)
def thread_limit_reached(facts: Facts) -> Iterator[Failure]:
    """The limit of processes and threads of the user, or of the container, is below what frameworks need.

    'pthread_create failed', 'Resource temporarily unavailable' and 'RLIMIT_NPROC' are the signs. Threads count as
    processes in both limits.
    """
    limit = need(facts.platform.processes_limit)
    cores = need(facts.hardware.cpu.cores_logical)
    if limit is None or cores is None or limit >= cores * THREADS_FOR_EACH_PROCESSOR:
        raise NotApplicable("there is no such limit, or it leaves enough")

    def check(index: int, found: Backend) -> Iterator[Failure]:
        said = next((pointer for pointer, words in last_words(facts, index, found) if NO_THREAD.search(words)), None)
        if said is not None:
            yield Failure(
                evidence=(said, "/platform/processes_limit", "/platform/processes_limit_how"),
                fields={
                    "framework": title_of(found.name),
                    "limit": limit,
                    "how": known(facts.platform.processes_limit_how, None) or "",
                    "cores": cores,
                },
                fixes=(
                    in_shell(
                        FEWER_THREADS,
                        shell.export(facts, "OMP_NUM_THREADS", "4"),
                        shell.export(facts, "OPENBLAS_NUM_THREADS", "4"),
                        source=RLIMITS,
                    ),
                    by_hand(MORE_PIDS, PIDS)
                    if facts.platform.processes_limit_how == "pids.max"
                    else in_shell(HIGHER_LIMIT, 'ulimit -u "$(ulimit -H -u)"', source=RLIMITS),
                ),
                subject=found.name,
                severity=error_unless_proven(facts, found.name),
            )

    yield from for_each_framework(facts, check)


@rule(
    "nccl-no-network-interface",
    severity="error",
    layer="platform",
    title=template("NCCL_SOCKET_IFNAME names no network interface of this machine"),
    message=template(
        "NCCL, through which several GPUs work together, may use only the interfaces that NCCL_SOCKET_IFNAME names: "
        "'{value}'. This machine has {interfaces}. NCCL ends with 'no socket interface found'."
    ),
)
def nccl_no_network_interface(facts: Facts) -> Iterator[Failure]:
    """A variable for another machine, or for the host of this container, forbids NCCL every interface that is here.

    The variable holds beginnings of names; '=' before them asks for whole names, '^' forbids those named. Nothing is
    said on a machine with one GPU whose programs run alone.
    """
    found = variable(facts, "NCCL_SOCKET_IFNAME")
    if found is None:
        raise NotApplicable("NCCL_SOCKET_IFNAME is not set")
    size = variable(facts, "WORLD_SIZE")
    several = size is not None and size[1].isdecimal() and int(size[1]) > 1
    if not several and len(usable_gpus(facts)) < 2:
        raise NotApplicable("one GPU, and one program")
    interfaces = need(facts.platform.network_interfaces)
    if not any(_allowed(found[1], name) for name in interfaces):
        yield Failure(
            evidence=(f"/platform/environment/{found[0]}/value", "/platform/network_interfaces"),
            fields={"value": found[1], "interfaces": ", ".join(interfaces) or "no interface"},
            fixes=(in_shell(WITHOUT_NAME, shell.unset(facts, "NCCL_SOCKET_IFNAME"), source=NCCL),),
        )


def _allowed(value: str, interface: str) -> bool:
    """Say whether NCCL may use an interface (NCCL's user guide, 'NCCL_SOCKET_IFNAME')."""
    forbids = value.startswith("^")
    rest = value.removeprefix("^")
    exact = rest.startswith("=")
    names = [name.strip() for name in rest.removeprefix("=").split(",") if name.strip()]
    named = any(interface == name if exact else interface.startswith(name) for name in names)
    return named != forbids if names else True


@rule(
    "tpu-held-by-other-process",
    severity="error",
    layer="platform",
    title=template("Another process holds the TPU"),
    message=template(
        "{framework} found the TPU taken: one process at a time may use it. A warning about a missing libtpu that "
        "follows is a wrong guess."
    ),
)
def tpu_held_by_other_process(facts: Facts) -> Iterator[Failure]:
    """A TPU serves one process: an old notebook kernel or a job that hangs holds it, or left its lock behind.

    'The TPU is already in use by process with pid ...' and 'libtpu.so already in use by another process' are the signs.
    """

    def check(index: int, found: Backend) -> Iterator[Failure]:
        said = next((pointer for pointer, words in last_words(facts, index, found) if TPU_HELD.search(words)), None)
        if said is not None:
            sudo = "" if in_container(facts) else "sudo "
            yield Failure(
                evidence=(said,),
                fields={"framework": title_of(found.name)},
                fixes=(look(SEE_HOLDER, f"{sudo}lsof -w /dev/accel* /dev/vfio/* {TPU_LOCK}", source=JAX_TPU),),
                subject=found.name,
                severity=error_unless_proven(facts, found.name),
            )

    yield from for_each_framework(facts, check)
