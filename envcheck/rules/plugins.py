"""Plug-ins, each of which fits certain releases of its framework only."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from envcheck.fixes import shell, solved
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.packages import change, python, shows
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.causes import CUDA_LIBRARY_FAULTS, GPU_FAULTS
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, for_each, last_words, nvidia_gpus, package, runs_of, version_of
from envcheck.words import template

METAL = "https://developer.apple.com/metal/tensorflow-plugin/"
JAX_METAL = "https://github.com/jax-ml/jax/issues/26968"
DIRECTML = "https://github.com/microsoft/tensorflow-directml-plugin"
JAX_GPU = "https://docs.jax.dev/en/latest/installation.html"
TENSORFLOW_GPU = "https://pypi.org/project/tensorflow-gpu/"
LAST_FOR_JAX_METAL = Version("0.5.0")
"""'jax-metal is not compatible with JAX 0.5.1 or later' (jax-ml/jax#26968, 2025-03-18); its last release, 0.1.1, is of
2024-10-08 (PyPI, 2026-11-23)."""
METAL_LIBRARY = "libmetal_plugin.dylib"
METAL_SIGNS = (METAL_LIBRARY, "_TF_", "_pywrap_tensorflow_internal.so")

NO_PLUGINS = template("Tell PyTorch not to load plug-ins")
REMOVE_PLUGIN = template("Remove {package}, if this machine has no device for it")
TORCH_AUTOLOAD = "https://docs.pytorch.org/docs/main/accelerator/autoload.html"
TORCH_PLUGIN = re.compile(r"Failed to load the backend extension: (\w+)")
"""torch/__init__.py of 2.5 to 2.13."""
REMOVE = template("Remove {package}, and run on the processor")
FIT_DIRECTML = template("Install the TensorFlow that the plug-in was made for")
WITHOUT_LIBRARY_PATH = template("Start JAX without foreign libraries, and read the first error that it prints")
LEAVE_IT = template(
    "Install {package} without it: the name of the package is tensorflow today, and it has the GPU's code"
)


@rule(
    "tensorflow-metal-version-mismatch",
    severity="error",
    layer="backend",
    title=template("tensorflow-metal {metal} does not go with TensorFlow {version}"),
    message=template(
        "TensorFlow loads Apple's plug-in tensorflow-metal when it is imported, and this one was built for another "
        "release: the import fails. It said: {said}"
    ),
)
def tensorflow_metal_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """Apple's plug-in for TensorFlow on the GPU of a Mac is of another release than TensorFlow.

    The plug-in names no TensorFlow that it requires, so that installers cannot tell. It is closed and changes seldom:
    its page lists which TensorFlow each release is for. Signs: a symbol '_TF_...' that is not found,
    'libmetal_plugin.dylib'.
    """
    tensorflow, metal = backend(facts, "tensorflow"), package(facts, "tensorflow-metal")
    if tensorflow is None or metal is None:
        raise NotApplicable("TensorFlow or tensorflow-metal is not installed")
    for pointer, words in last_words(facts, *tensorflow):
        said = next((line.strip() for line in words.splitlines() if any(sign in line for sign in METAL_SIGNS)), None)
        if said and METAL_LIBRARY in words:
            yield Failure(
                evidence=(f"/python/packages/{metal[0]}/version", f"/backends/{tensorflow[0]}/version", pointer),
                fields={
                    "metal": known(metal[1].version, None) or "",
                    "version": known(tensorflow[1].version, None) or "",
                    "said": said,
                },
                fixes=(_remove(facts, "tensorflow-metal", METAL, "tensorflow"),),
                subject="tensorflow",
            )
            return


@rule(
    "jax-metal-unmaintained",
    severity="warning",
    layer="backend",
    title=template("jax-metal does not work with JAX {version}"),
    message=template(
        "Apple's plug-in jax-metal has had no release since 2024 and does not go with JAX newer than {last}; JAX "
        "{version} is installed. It can break JAX on the processor too."
    ),
)
def jax_metal_unmaintained(facts: Facts) -> Iterator[Failure]:
    """Apple's plug-in that ran JAX on the GPU of a Mac is given up.

    The makers of JAX advise against it. On Macs, Keras uses the GPU through PyTorch. It is an error where the smoke
    test of JAX fails.
    """
    jax, metal = backend(facts, "jax"), package(facts, "jax-metal")
    if jax is None or metal is None:
        raise NotApplicable("JAX or jax-metal is not installed")
    version = version_of(need(jax[1].version))
    if version is not None and version > LAST_FOR_JAX_METAL:
        failed = any(run.status != "passed" for _, run in runs_of(facts, "jax"))
        yield Failure(
            evidence=(f"/python/packages/{metal[0]}/version", f"/backends/{jax[0]}/version"),
            fields={"version": version, "last": LAST_FOR_JAX_METAL},
            fixes=(_remove(facts, "jax-metal", JAX_METAL, "jax"),),
            subject="jax",
            severity="error" if failed or known(jax[1].imported.status, "ok") != "ok" else "warning",
        )


def _remove(facts: Facts, name: str, source: str, module: str) -> Fix:
    return change(facts, REMOVE, {"package": name}, remove=(name,), source=source, verify=shows(facts, module))


@rule(
    "tensorflow-directml-version-mismatch",
    severity="error",
    layer="backend",
    title=template("The DirectML plug-in does not go with TensorFlow {version}"),
    message=template(
        "tensorflow-directml-plugin {plugin} asks for {wanted}, and TensorFlow {version} is installed. Its library is "
        "there and cannot be loaded by another release; the message says that it was not found."
    ),
)
def tensorflow_directml_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """Microsoft's plug-in for GPUs on Windows fits TensorFlow 2.10 only.

    There is no newer one. Without it, TensorFlow uses a GPU on Windows inside WSL. Sign: 'tfdml_plugin.dll not found'.
    """
    tensorflow, plugin = backend(facts, "tensorflow"), package(facts, "tensorflow-directml-plugin")
    if tensorflow is None or plugin is None:
        raise NotApplicable("TensorFlow or its DirectML plug-in is not installed")
    version = version_of(need(tensorflow[1].version))
    for text in need(plugin[1].requires):
        wanted = _requirement(text)
        if wanted is None or wanted.name != "tensorflow-cpu" or version is None or version in wanted.specifier:
            continue
        yield Failure(
            evidence=(f"/python/packages/{plugin[0]}/requires", f"/backends/{tensorflow[0]}/version"),
            fields={"plugin": known(plugin[1].version, None) or "", "wanted": str(wanted), "version": version},
            fixes=(
                solved.change(
                    facts,
                    FIT_DIRECTML,
                    remove=tuple(known(tensorflow[1].distributions, ())),
                    add=(str(wanted),),
                    source=DIRECTML,
                    verify=shows(facts, "tensorflow"),
                ),
            ),
        )


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


@rule(
    "jax-cuda-plugin-init-failed",
    severity="error",
    layer="backend",
    title=template("JAX's CUDA plug-in is installed and does not start"),
    message=template(
        "JAX found its plug-in for NVIDIA GPUs, and starting it ended with an error; JAX goes on with the processor. "
        "The first error names the reason: {said}"
    ),
    after=(
        "jax-cuda-plugin-version-mismatch",
        "jax-cuda-libraries-too-old",
        "nvidia-driver-too-old",
        *GPU_FAULTS,
        *CUDA_LIBRARY_FAULTS,
    ),
)
def jax_cuda_plugin_init_failed(facts: Facts) -> Iterator[Failure]:
    """The plug-in through which JAX uses NVIDIA GPUs raises an error while it starts.

    Libraries of another CUDA on LD_LIBRARY_PATH, an old driver and an old cuDNN do this; where envcheck sees which,
    this is listed below it. Sign: 'Jax plugin configuration error: Exception when calling jax_plugins.xla_cuda12'.
    """
    jax = backend(facts, "jax")
    if jax is None or not nvidia_gpus(facts):
        raise NotApplicable("JAX is not installed, or there is no NVIDIA GPU")
    index, found = jax
    lines = (need(found.imported.stderr_tail) or "").splitlines()
    places = [place for place, line in enumerate(lines) if "Jax plugin configuration error" in line]
    if places:
        errors = [line.strip() for line in lines[places[0] :] if re.match(r"\w*(Error|Exception)\b.*:", line)]
        unset = shell.unset(facts, "LD_LIBRARY_PATH")
        show = f"{python(facts)} -c {shell.words('import jax; print(jax.devices())')}"
        yield Failure(
            evidence=(f"/backends/{index}/import/stderr_tail",),
            fields={"said": errors[0] if errors else lines[places[0]].strip()},
            fixes=(look(WITHOUT_LIBRARY_PATH, f"({unset}; {show})", source=JAX_GPU),),
            subject="jax",
        )


@rule(
    "tensorflow-gpu-package-removed",
    severity="warning",
    layer="backend",
    title=template("{package} asks for tensorflow-gpu, which no longer exists"),
    message=template(
        "{package} {version} requires the package tensorflow-gpu. It was retired: what is left under that name stops "
        "every installation with an error. TensorFlow is installed under its own name."
    ),
)
def tensorflow_gpu_package_removed(facts: Facts) -> Iterator[Failure]:
    """An installed package requires tensorflow-gpu, a name that was given up in 2023.

    From TensorFlow 2.1 on the package tensorflow serves GPUs too. Installing tensorflow-gpu fails on purpose: 'The
    "tensorflow-gpu" package has been removed'. Nothing is said where an old tensorflow-gpu is installed.
    """
    if package(facts, "tensorflow-gpu") is not None:
        raise NotApplicable("an old tensorflow-gpu is installed")

    def check(index: int, found: Package) -> Iterator[Failure]:
        for text in need(found.requires):
            wanted = _requirement(text)
            if wanted is not None and wanted.name in ("tensorflow-gpu", "tensorflow_gpu") and wanted.marker is None:
                yield Failure(
                    evidence=(f"/python/packages/{index}/requires",),
                    fields={"package": found.name, "version": known(found.version, None) or ""},
                    fixes=(by_hand(LEAVE_IT, TENSORFLOW_GPU, package=found.name),),
                )

    yield from for_each(need(facts.python.packages), check)


@rule(
    "torch-backend-plugin-broken",
    severity="error",
    layer="backend",
    title=template("PyTorch cannot be imported because of the plug-in {plugin}"),
    message=template(
        "PyTorch loads every installed plug-in for further devices when it is imported, and {plugin} fails: what it is "
        "made for, a driver or a library of its vendor, is not there. So 'import torch' fails as a whole."
    ),
)
def torch_backend_plugin_broken(facts: Facts) -> Iterator[Failure]:
    """A plug-in for another kind of device (torch_npu, habana_frameworks, ...) keeps PyTorch from being imported.

    Since 2.5 PyTorch loads what registers as 'torch.backends'. On a machine without that device, or without its
    driver, the plug-in raises an error, and PyTorch passes it on: 'Failed to load the backend extension'. PyTorch can
    be told not to load any; where the device is not there, the plug-in is not needed at all.
    """
    torch = backend(facts, "torch")
    if torch is None:
        raise NotApplicable("PyTorch is not installed")
    for pointer, words in last_words(facts, *torch):
        found = TORCH_PLUGIN.search(words)
        if found:
            plugin = found.group(1)
            of_it = next((item for item in need(facts.python.packages) if plugin in known(item.top_level, ())), None)
            title = {"package": of_it.name} if of_it else {}
            yield Failure(
                evidence=(pointer,),
                fields={"plugin": plugin},
                fixes=(
                    in_shell(
                        NO_PLUGINS,
                        shell.export(facts, "TORCH_DEVICE_BACKEND_AUTOLOAD", "0"),
                        source=TORCH_AUTOLOAD,
                        verify=shows(facts, "torch"),
                    ),
                    *((change(facts, REMOVE_PLUGIN, title, remove=(of_it.name,)),) if of_it else ()),
                ),
                subject="torch",
            )
            return
