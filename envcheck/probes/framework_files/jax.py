"""JAX with jaxlib and its device plug-ins. Layouts seen in jax 0.2 to 0.10."""

import os
import re

from envcheck.model.facts import Component, OptionalText, Texts
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    numpy_abi,
    release,
    text_or_none,
    wheel_processor,
)

FIRST_JAXLIB_WITH_AVX = (0, 1, 62)
"""jax-ml/jax#6671; still so in 0.10: jaxlib/cpu_feature_guard.so refuses to go on without it."""
PLUGIN = re.compile(r"jax_((?:cuda|rocm)\d+)_plugin")


def read(files: Files) -> Build:
    version = _version(files)
    jaxlib = files.beside("jaxlib")
    plugins = _plugins(files)
    cuda = next((name for name in plugins if name.startswith("cuda")), None)
    rocm = next((name for name in plugins if name.startswith("rocm")), None)
    cuda_of_jaxlib, cudnn_of_jaxlib = _built_into_jaxlib(files)
    library = jaxlib.first("libjax_common.so", "libjax_common.dylib", "xla_extension.so") if jaxlib else None
    return Build(
        version=version,
        how=os.path.join(files.folder, "version.py") if version else None,
        # A plug-in tells the major version in its name; what it needs exactly stands in its requirements.
        cuda=cuda.removeprefix("cuda") if cuda else cuda_of_jaxlib,
        cudnn=NOT_TOLD if cuda else cudnn_of_jaxlib,
        rocm=rocm.removeprefix("rocm") if rocm else None,
        compute_capabilities=NOT_TOLD if cuda or cuda_of_jaxlib else (),
        numpy_abi=numpy_abi(files.host, library),
        instruction_sets=_instruction_sets(files, _version(jaxlib) if jaxlib else None),
        components=_components(files),
        plugins=plugins,
        library=library,
    )


def _version(files: Files) -> str | None:
    values = files.values("version.py")
    # The release stands in the second; where a build left that empty, in the first.
    named = (values.get(name) for name in ("_release_version", "_version", "__version__"))
    return next((text for value in named if (text := text_or_none(value))), None)


def _components(files: Files) -> tuple[Component, ...]:
    names = ["jaxlib"]
    for plugin in _plugins(files):
        names += [f"jax_{plugin}_plugin", f"jax_plugins.xla_{plugin}"] if plugin != "tpu" else ["libtpu"]
    found = []
    for name in names:
        other = files.beside(name.replace(".", os.sep))
        if other is not None:
            version = _version(other)
            how = os.path.join(other.folder, "version.py") if version else None
            found.append(Component(name=name, version=version or NOT_TOLD, how=how))
    return tuple(found)


def _plugins(files: Files) -> tuple[str, ...]:
    """Return the kinds of devices that plug-ins are installed for, such as ``cuda12``."""
    found = []
    for folder in files.path:
        names = files.host.list_dir(folder)
        found += [match[1] for name in names if (match := PLUGIN.fullmatch(name))] if isinstance(names, tuple) else []
    if files.beside("libtpu"):
        found.append("tpu")
    return tuple(dict.fromkeys(found))


def _built_into_jaxlib(files: Files) -> tuple[OptionalText, OptionalText]:
    """Return CUDA and cuDNN of a jaxlib from before the plug-ins, such as 0.3.25+cuda11.cudnn82."""
    version = next((package.version for package in files.packages if package.name == "jaxlib"), None)
    match = re.search(r"\+cuda(\d+)(?:\.cudnn(\d+))?", version) if isinstance(version, str) else None
    return (match[1], match[2] or NOT_TOLD) if match else (None, None)


def _instruction_sets(files: Files, jaxlib_version: str | None) -> Texts:
    jaxlib = [package for package in files.packages if package.name == "jaxlib"]
    processor = wheel_processor(jaxlib, ("jaxlib",))
    numbers = release(jaxlib_version)
    if processor is None or not numbers:
        return NOT_TOLD
    return ("avx",) if processor == "x86_64" and numbers >= FIRST_JAXLIB_WITH_AVX else ()


FRAMEWORK = Framework(
    name="jax",
    module="jax",
    position=1,
    read=read,
    distributions=("jax",),
    keras_backend=True,
    always_listed=True,
    native=True,
)
