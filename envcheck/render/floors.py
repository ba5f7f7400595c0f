"""The stack, floor by floor: Keras over backend over driver over hardware, then the target and the platform."""

from collections import Counter
from dataclasses import dataclass

from envcheck.model.facts import (
    Backend,
    Cpu,
    Device,
    Keras,
    Kernel,
    KernelKeras,
    Memory,
    NvidiaGpu,
    Platform,
    Python,
)
from envcheck.model.report import Layer, Report
from envcheck.model.unknown import Unknown
from envcheck.render import driver_floor, words
from envcheck.render.values import number, size
from envcheck.words import sentence, title_of

PLACES_SHOWN = 8  #: of many unlike GPUs or backends


@dataclass(frozen=True)
class Floor:
    label: str
    mark: str  #: ``ok``, ``error``, ``warning``, ``unknown`` or ``none``
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Seen:
    """What one floor looks like: ``mark`` is for a floor without findings."""

    mark: str
    lines: tuple[str, ...]


def floors(report: Report) -> tuple[Floor, ...]:
    """Return the floors from the top down; the notebook's only when it has a Keras or something was found about it."""
    facts = report.facts
    seen: dict[Layer, _Seen] = {
        "notebook": _notebook(report),
        "keras": _keras(report),
        "backend": _backends(report),
        "driver": _Seen(*driver_floor.lines(report)),
        "hardware": _hardware(report),
        "python": _python(facts.python),
        "platform": _platform(facts.platform),
    }
    worst = _worst(report)
    return tuple(
        Floor(sentence(words.FLOORS[layer]), worst.get(layer, floor.mark), floor.lines)
        for layer, floor in seen.items()
        if layer != "notebook" or layer in worst or _keras_kernels(report)
    )


def _worst(report: Report) -> dict[Layer, str]:
    worst: dict[Layer, str] = {}
    for finding in report.findings:
        if finding.severity == "error" or (finding.severity == "warning" and finding.layer not in worst):
            worst[finding.layer] = finding.severity
    return worst


def _not_seen(unknown: Unknown) -> _Seen:
    return _Seen("unknown", (sentence(words.COULD_NOT_SEE, why=words.why(unknown)),))


def _keras(report: Report) -> _Seen:
    keras = report.facts.keras
    extra = (
        [sentence(words.TF_KERAS, version=keras.tf_keras_version)] if isinstance(keras.tf_keras_version, str) else []
    )
    if isinstance(keras.installed, Unknown):
        return _not_seen(keras.installed)
    if not keras.installed:
        return _Seen("none", (words.listed([sentence(words.NOT_INSTALLED), *extra]),))
    return _Seen("ok", (words.listed([_keras_and_backend(keras), *extra]), *_passed_over(keras)))


def _keras_and_backend(keras: Keras | KernelKeras) -> str:
    version = _version(keras.version)
    if not isinstance(keras.backend, str):
        return sentence(words.KERAS_PLAIN, version=version)
    if isinstance(keras.backend_chosen_by, str) and keras.backend_chosen_by != "default":
        chosen = {"backend": title_of(keras.backend), "chosen_by": keras.backend_chosen_by}
        return sentence(words.KERAS, chosen, version=version)
    return sentence(words.KERAS_DEFAULT, version=version, backend=title_of(keras.backend))


def _passed_over(keras: Keras | KernelKeras) -> list[str]:
    """Return a line for each choice that was made in vain, and for one that is about tf.keras."""
    lines = []
    for source in () if isinstance(keras.backend_sources, Unknown) else keras.backend_sources:
        if source.source == "TF_USE_LEGACY_KERAS" and isinstance(source.detail, str):
            lines.append(sentence(words.SOURCE_SAYS, source=source.source, detail=source.detail))
        elif (
            source.source not in (keras.backend_chosen_by, "default")
            and isinstance(source.value, str)
            and source.value != keras.backend
        ):
            fields = {"source": source.source, "value": source.value}
            lines.append(sentence(words.SOURCE_NOT_USED, fields, winner=keras.backend_chosen_by))
    return lines


def _version(version: str | None | Unknown) -> str:
    return version if isinstance(version, str) else sentence(words.VERSION_UNKNOWN)


def _backends(report: Report) -> _Seen:
    backends = report.facts.backends
    if isinstance(backends, Unknown):
        return _not_seen(backends)
    unseen = [
        sentence(words.WHAT_COULD_NOT_BE_SEEN, what=title_of(backend.name), why=words.why(backend.installed))
        for backend in backends
        if isinstance(backend.installed, Unknown)
    ]
    lines = [_backend(backend) for backend in backends if backend.installed is True]
    if not lines and not unseen:
        return _Seen("none", (sentence(words.NONE_INSTALLED),))
    return _Seen("ok" if lines else "unknown", (*lines, *unseen))


def _backend(backend: Backend) -> str:
    parts = [sentence(words.BACKEND, name=title_of(backend.name), version=_version(backend.version))]
    built = backend.built_for
    if isinstance(built.cuda, str):
        parts.append(sentence(words.BUILT_FOR_CUDA, version=built.cuda))
    elif isinstance(built.rocm, str):
        parts.append(sentence(words.BUILT_FOR_ROCM, version=built.rocm))
    elif built.cuda is None and built.rocm is None:
        parts.append(sentence(words.BUILT_FOR_CPU))
    ended = backend.imported.status
    if isinstance(ended, str) and ended in words.IMPORT_ENDED:
        parts.append(sentence(words.IMPORT_ENDED[ended]))
    elif not isinstance(backend.devices, Unknown):
        parts.append(_devices(backend.devices))
    return words.listed(parts)


def _devices(devices: tuple[Device, ...]) -> str:
    if not devices:
        return sentence(words.SEES_NOTHING)
    names = [device.name for device in devices]
    shown = names[:PLACES_SHOWN]
    if len(names) > len(shown):
        shown.append(sentence(words.LEFT_OUT, count=len(names) - len(shown)))
    return sentence(words.SEES, devices=words.listed(shown))


def _hardware(report: Report) -> _Seen:
    hardware = report.facts.hardware
    computer = words.listed([*_cpu(hardware.cpu), *_memory(hardware.memory)])
    gpus = _gpus(report)
    unseen = not computer or (isinstance(gpus, Unknown))
    lines = [computer] if computer else []
    if isinstance(gpus, Unknown):
        lines.append(sentence(words.WHAT_COULD_NOT_BE_SEEN, what="GPU", why=words.why(gpus)))
    else:
        lines.extend(gpus)
    return _Seen("unknown" if unseen else "ok", tuple(lines))


def _cpu(cpu: Cpu) -> list[str]:
    parts = []
    name = next((text for text in (cpu.model, cpu.vendor, cpu.architecture) if isinstance(text, str)), None)
    if name:
        parts.append(name)
    if isinstance(cpu.cores_physical, int):
        parts.append(words.counted(cpu.cores_physical, words.ONE_CORE, words.CORES))
    if isinstance(cpu.cores_usable, float | int) and cpu.cores_usable != (cpu.cores_logical or cpu.cores_physical):
        parts.append(sentence(words.USABLE, count=number(round(cpu.cores_usable, 2))))
    return parts


def _memory(memory: Memory) -> list[str]:
    parts = []
    if isinstance(memory.total_bytes, int):
        parts.append(sentence(words.MEMORY, size=size(memory.total_bytes)))
    if isinstance(memory.limit_bytes, int):
        parts.append(sentence(words.LIMITED, size=size(memory.limit_bytes)))
    return parts


def _gpus(report: Report) -> list[str] | Unknown:
    gpus = report.facts.driver.nvidia.gpus
    if not isinstance(gpus, Unknown) and gpus:
        return _counted([_gpu(gpu) for gpu in gpus])
    pci = report.facts.hardware.pci
    if isinstance(pci, Unknown):
        return pci
    names = []
    for device in pci:
        fields = {
            "vendor": device.vendor if isinstance(device.vendor, str) else device.vendor_id,
            "device": device.device_id,
            "address": device.address,
        }
        if isinstance(device.kernel_driver, str):
            names.append(sentence(words.PCI_DEVICE, fields, driver=device.kernel_driver))
        else:
            names.append(sentence(words.PCI_DEVICE_NO_DRIVER, fields))
    return _counted(names) or [sentence(words.NO_GPU)]


def _gpu(gpu: NvidiaGpu) -> str:
    name = gpu.name if isinstance(gpu.name, str) else "NVIDIA GPU"
    if isinstance(gpu.memory_total_bytes, int):
        return sentence(words.WITH_MEMORY, name=name, size=size(gpu.memory_total_bytes))
    return name


def _counted(names: list[str]) -> list[str]:
    lines = [
        name if count == 1 else sentence(words.MANY_GPUS, count=count, name=name)
        for name, count in Counter(names).items()
    ]
    left_out = len(lines) - PLACES_SHOWN
    return lines if left_out <= 0 else [*lines[:PLACES_SHOWN], sentence(words.LEFT_OUT, count=left_out)]


def _python(python: Python) -> _Seen:
    place = python.executable if isinstance(python.executable, str) else python.target
    if isinstance(place, Unknown):
        return _not_seen(place)
    parts = []
    if isinstance(python.version, str):
        parts.append(sentence(words.PYTHON, version=python.version))
    if isinstance(python.environment, str):
        parts.append(python.environment)
    if isinstance(python.chosen_by, str):
        parts.append(sentence(words.CHOSEN_BY, how=python.chosen_by))
    if python.runs is False:
        why = next((text for text in (python.failure_detail, python.failure) if isinstance(text, str)), "?")
        parts.append(sentence(words.NOT_STARTING, why=why))
    return _Seen("ok" if python.runs is True else "unknown", (place, words.listed(parts)) if parts else (place,))


def _platform(platform: Platform) -> _Seen:
    if isinstance(platform.system, Unknown):
        return _not_seen(platform.system)
    parts = [platform.os_name] if isinstance(platform.os_name, str) else []
    parts.append(f"{platform.system} {platform.release}" if isinstance(platform.release, str) else platform.system)
    if isinstance(platform.machine, str):
        parts.append(platform.machine)
    if isinstance(platform.container, str):
        parts.append(sentence(words.IN_CONTAINER, kind=platform.container))
    if isinstance(platform.wsl, str):
        parts.append(sentence(words.WSL, version=platform.wsl))
    return _Seen("ok", (words.listed(parts),))


def _notebook(report: Report) -> _Seen:
    kernels = report.facts.notebook.kernels
    if isinstance(kernels, Unknown):
        return _not_seen(kernels)
    if not kernels:
        return _Seen("none", (sentence(words.NO_KERNELS),))
    names = words.listed([kernel.name for kernel in kernels[:PLACES_SHOWN]])
    first = words.counted(len(kernels), words.ONE_KERNEL, words.KERNELS, names=names)
    return _Seen("ok", (first, *(_kernel(kernel) for kernel in _keras_kernels(report)[:PLACES_SHOWN])))


def _keras_kernels(report: Report) -> list[Kernel]:
    """Return the kernels whose Python has Keras."""
    kernels = report.facts.notebook.kernels
    return [] if isinstance(kernels, Unknown) else [item for item in kernels if isinstance(item.keras.version, str)]


def _kernel(kernel: Kernel) -> str:
    text = sentence(words.IN_KERNEL, kernel=kernel.name, keras=_keras_and_backend(kernel.keras))
    missing = kernel.keras.backend_installed is False
    return words.listed([text, sentence(words.NOT_INSTALLED_THERE)]) if missing else text
