"""Whether notebooks can use the target: its kernel, and the one that asks."""

import re
from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.fixes.kernels import IPYKERNEL, register
from envcheck.fixes.packages import as_installed, change, python
from envcheck.model.facts import Facts, Kernel
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import in_container, listed, matching, title_of
from envcheck.words import template

SPAWNER = "https://github.com/jupyterhub/systemdspawner#isolate_devices"
AGAIN = template("Install the kernel's packages again")
RESTART = template("Restart the kernel: in the menu Kernel > Restart, in Colab Runtime > Restart session")
REGISTER = template("Make the target a kernel of Jupyter, and choose 'Python ({name})' in the notebook")
GIVE_DEVICES = template(
    "Let the server of JupyterHub reach the devices: c.SystemdSpawner.isolate_devices = False, or PrivateDevices=no in "
    "its systemd unit; then restart it"
)
KERNEL_PACKAGES = ("ipykernel", "pyzmq", "tornado", "jupyter-client", "traitlets", "ipython")


@rule(
    "jupyter-kernel-dependencies-broken",
    severity="error",
    layer="notebook",
    title=template("The Jupyter kernel '{name}' cannot start: its packages are broken"),
    message=template(
        "The kernel '{name}' starts the target's Python, and ipykernel, which is installed there, cannot be imported: "
        "{error}. Notebooks with this kernel do not start, or Jupyter restarts it again and again."
    ),
    after=(
        "module-shadowed-by-local-file",
        "pythonpath-shadows-environment",
        "user-site-shadows-environment",
        "python-variables-break-start",
        "package-install-incomplete",
        "library-file-damaged",
        "package-requirements-conflict",
        "filesystem-noexec",
    ),
)
def jupyter_kernel_dependencies_broken(facts: Facts) -> Iterator[Failure]:
    """A kernel's Python is there and has ipykernel, but that, or pyzmq or tornado below it, cannot be imported.

    The frameworks may be in order; only notebooks fail. Signs: 'KernelRestarter: restarting kernel' over and over,
    'Kernel died before replying to kernel_info'. The import is tried in a process of its own.
    """
    if need(facts.notebook.ipykernel_version) is None:
        raise NotApplicable("ipykernel is not installed in the target")
    ours = matching(need(facts.notebook.kernels), lambda kernel: need(kernel.starts_target))
    if not ours:
        raise NotApplicable("no kernel starts the target")
    error = need(facts.notebook.ipykernel_error)
    if error is None:
        return
    place, kernel = ours[0]
    packages = {found.name: found for found in need(facts.python.packages)}
    again = tuple(as_installed(packages[name]) for name in KERNEL_PACKAGES if name in packages)
    check = f"{python(facts)} -m ipykernel --version"
    yield Failure(
        evidence=("/notebook/ipykernel_error", f"/notebook/kernels/{place}/interpreter"),
        fields={"name": kernel.name, "error": error.strip().splitlines()[-1]},
        fixes=(change(facts, AGAIN, add=again, reinstall=True, source=IPYKERNEL, verify=check),),
    )


@rule(
    "jupyter-kernel-other-interpreter",
    severity="info",
    layer="notebook",
    title=template("No Jupyter kernel starts the target, and those that there are have no Keras"),
    message=template(
        "Keras and {framework} are installed in the target. The kernels of this user ({kernels}) start other Pythons, "
        "which find no Keras, so notebooks end with \"No module named 'keras'\". Activating the environment does not "
        "change that: the kernel decides."
    ),
)
def jupyter_kernel_other_interpreter(facts: Facts) -> Iterator[Failure]:
    """Jupyter's kernels run other Pythons than the one that has the packages.

    What a notebook imports is decided by the kernel that is chosen in it, not by the environment that is active in the
    terminal. It is a note, because not everybody wants notebooks; nothing is said where some kernel starts the target
    or has a Keras of its own.
    """
    if not need(facts.keras.installed):
        raise NotApplicable("the target has no Keras")
    there = [found for found in need(facts.backends) if found.keras_backend and need(found.installed)]
    kernels = [(place, kernel) for place, kernel in enumerate(need(facts.notebook.kernels)) if _runs_python(kernel)]
    if not there or not kernels:
        raise NotApplicable("there is no framework in the target, or no kernel")
    if any(need(kernel.starts_target) or need(kernel.keras.version) is not None for _, kernel in kernels):
        return
    folder = re.split(r"[/\\]", (known(facts.python.prefix, None) or "").rstrip("/\\"))[-1]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder).strip("-") or "dl"  # what Jupyter takes for a name
    yield Failure(
        evidence=tuple(f"/notebook/kernels/{place}/interpreter" for place, _ in kernels),
        fields={"framework": title_of(there[0].name), "kernels": listed(kernel.name for _, kernel in kernels)},
        fixes=(register(facts, REGISTER, name, shown_as=f"Python ({name})"),),
    )


def _runs_python(kernel: Kernel) -> bool:
    return known(kernel.language, None) == "python" and known(kernel.interpreter_exists, False)


@rule(
    "notebook-kernel-restart-required",
    severity="warning",
    layer="notebook",
    title=template("This notebook still holds packages that were replaced: {modules}"),
    message=template(
        "{modules} changed on the disk after this notebook had imported them. The old code is still in memory, and "
        "what is imported from now on is of the new release; the two do not go together."
    ),
)
def notebook_kernel_restart_required(facts: Facts) -> Iterator[Failure]:
    """Packages were installed while the kernel was running, and it had already imported them.

    pip says 'you may need to restart the kernel', Colab 'You must restart the runtime'. It is seen only where
    envcheck.check is called in the notebook itself; the command line runs in a process of its own.
    """
    stale = need(facts.notebook.stale_modules)
    if stale:
        yield Failure(
            evidence=tuple(f"/notebook/stale_modules/{place}/installed" for place in range(len(stale))),
            fields={"modules": listed(f"{found.name} {found.loaded} -> {found.installed}" for found in stale)},
            fixes=(by_hand(RESTART, IPYKERNEL),),
        )


@rule(
    "jupyterhub-hides-gpu-devices",
    severity="error",
    layer="notebook",
    title=template("The notebook server's settings hide the GPU's device files"),
    message=template(
        "The kernel drives NVIDIA GPUs ({count} in all); this session of JupyterHub has none of their device files in "
        "/dev. A server that systemd starts with devices of its own (PrivateDevices, isolate_devices) looks like this; "
        "outside it the GPUs work."
    ),
)
def jupyterhub_hides_gpu_devices(facts: Facts) -> Iterator[Failure]:
    """JupyterHub started this server so that it sees no devices of the machine.

    The driver's files below /proc show the GPUs, the device files are missing, and CUDA says CUDA_ERROR_NO_DEVICE.
    Setting of SystemdSpawner: isolate_devices. In a container the container decides, and other findings tell.
    """
    if need(facts.platform.cloud.hosted) != "jupyterhub" or in_container(facts):
        raise NotApplicable("not in a server of JupyterHub outside containers")
    gpus = need(facts.driver.nvidia.kernel.gpus)
    nodes = [node.path for node in need(facts.driver.device_nodes) if node.path.startswith("/dev/nvidia")]
    if gpus and not nodes and need(facts.driver.nvidia.nvml.status) != "ok":
        yield Failure(
            evidence=("/platform/cloud/hosted", "/driver/nvidia/nvml/status", "/driver/device_nodes"),
            fields={"count": len(gpus)},
            fixes=(by_hand(GIVE_DEVICES, SPAWNER),),
        )
