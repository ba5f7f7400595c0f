"""Jupyter kernels."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.kernels import IPYKERNEL, register
from envcheck.fixes.packages import change, python
from envcheck.model.facts import Facts, Kernel
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.shared import for_each, title_of
from envcheck.words import sentence, template

KERNELSPECS = "https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs"
KERNEL_LIST = "jupyter kernelspec list"
REMOVE = template("Remove the kernel '{name}' from the list")
REGISTER = template("Register the target's Python under its name")
INSTALL = template("Install ipykernel into the target")
EDIT_KERNEL = template(
    "Make both say the same: edit 'env' in {path}/kernel.json, or set that KERAS_BACKEND before you start Jupyter"
)
AND_MISSING = template(" {framework} is not installed for that Python, so 'import keras' fails in the notebook.")


@rule(
    "jupyter-kernelspec-interpreter-missing",
    severity="warning",
    layer="notebook",
    title=template("The Jupyter kernel '{name}' points to a Python that no longer exists"),
    message=template(
        "The kernel '{display_name}' starts {interpreter}, and there is no such file. The environment was moved or "
        "deleted. Notebooks that ask for this kernel do not start."
    ),
)
def jupyter_kernelspec_interpreter_missing(facts: Facts) -> Iterator[Failure]:
    """A kernel in Jupyter's list starts a Python that is gone.

    The list of kernels lives apart from the environments, in files that nothing cleans up. Sign: 'Failed to start the
    Kernel', or a kernel that is 'connecting' for ever.
    """

    def check(index: int, kernel: Kernel) -> Iterator[Failure]:
        if need(kernel.interpreter_exists):
            return
        yield Failure(
            evidence=(f"/notebook/kernels/{index}/interpreter", f"/notebook/kernels/{index}/path"),
            fields={
                "name": kernel.name,
                "display_name": known(kernel.display_name, None) or kernel.name,
                "interpreter": known(kernel.interpreter, None) or "a Python",
            },
            fixes=(
                in_shell(
                    REMOVE,
                    shell.remove(facts, kernel.path),
                    source=KERNELSPECS,
                    risk="environment",
                    files=(kernel.path,),
                    verify=KERNEL_LIST,
                    name=kernel.name,
                ),
                register(facts, REGISTER, kernel.name, verify=KERNEL_LIST),
            ),
            subject=kernel.name,
        )

    yield from for_each(need(facts.notebook.kernels), check)


@rule(
    "ipykernel-missing",
    severity="warning",
    layer="notebook",
    title=template("The Jupyter kernel '{name}' starts this Python, which lacks ipykernel"),
    message=template(
        "The kernel '{display_name}' starts the target's Python, and the package ipykernel, which lets a Python be a "
        "kernel, is not installed there. Notebooks that ask for it do not start."
    ),
)
def ipykernel_missing(facts: Facts) -> Iterator[Failure]:
    """A kernel in Jupyter's list starts the target's Python, which has no ipykernel.

    The environment was made anew, or the kernel was written by hand. Sign: 'No module named ipykernel_launcher'.
    Nothing is said where no kernel starts the target: not everybody uses notebooks.
    """
    if need(facts.notebook.ipykernel_version) is not None:
        return

    def check(index: int, kernel: Kernel) -> Iterator[Failure]:
        if need(kernel.starts_target) and "ipykernel_launcher" in need(kernel.argv):
            yield Failure(
                evidence=("/notebook/ipykernel_version", f"/notebook/kernels/{index}/argv"),
                fields={"name": kernel.name, "display_name": known(kernel.display_name, None) or kernel.name},
                fixes=(
                    change(
                        facts,
                        INSTALL,
                        add=("ipykernel",),
                        source=IPYKERNEL,
                        verify=f"{python(facts)} -m ipykernel --version",
                    ),
                ),
                subject=kernel.name,
            )

    yield from for_each(need(facts.notebook.kernels), check)


@rule(
    "keras-backend-differs-in-kernel",
    severity="info",
    layer="notebook",
    title=template("Notebooks of the kernel '{name}' run Keras on {there}, this shell on {here}"),
    message=template(
        "The kernel '{name}' starts the target's Python with variables of its own: there Keras takes '{there_backend}' "
        "({there_how}), here '{here_backend}' ({here_how}).{consequence}"
    ),
)
def keras_backend_differs_in_kernel(facts: Facts) -> Iterator[Failure]:
    """The same Python takes another Keras backend in a notebook than in this shell.

    A kernelspec can set variables (the block 'env' of kernel.json), such as KERAS_BACKEND, KERAS_HOME or HOME, and they
    count in notebooks alone. Often it is meant so, hence a note; it is a warning where the kernel's backend is not
    installed. Kernels of other environments are not compared. What is said holds for a Jupyter that was started with
    this shell's variables: one that was started elsewhere hands down its own.
    """
    here = need(facts.keras.backend)

    def check(index: int, kernel: Kernel) -> Iterator[Failure]:
        if not need(kernel.starts_target):
            return
        there = need(kernel.keras.backend)
        if there is None or here is None or there == here:
            return
        missing = known(kernel.keras.backend_installed, True) is False
        places = ("backend", "backend_chosen_by", "backend_installed")
        yield Failure(
            evidence=(*(f"/notebook/kernels/{index}/keras/{place}" for place in places), "/keras/backend"),
            fields={
                "name": kernel.name,
                "there": title_of(there),
                "here": title_of(here),
                "there_backend": there,
                "here_backend": here,
                "there_how": known(kernel.keras.backend_chosen_by, None) or "default",
                "here_how": known(facts.keras.backend_chosen_by, None) or "default",
                "consequence": sentence(AND_MISSING, framework=title_of(there)) if missing else "",
            },
            fixes=(by_hand(EDIT_KERNEL, KERNELSPECS, path=kernel.path),),
            subject=kernel.name,
            severity="warning" if missing else "info",
        )

    yield from for_each(need(facts.notebook.kernels), check)
