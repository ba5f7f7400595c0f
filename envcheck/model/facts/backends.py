"""The frameworks: installed or not."""

import msgspec

from envcheck.model.facts.kinds import NOT_RECORDED, Flag, Number, OptionalText, Text, Texts
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


class BuiltFor(Record, frozen=True, kw_only=True):
    """What a framework was built for, read from its files."""

    cuda: OptionalText  #: None: a build without CUDA
    cudnn: OptionalText
    rocm: OptionalText
    compute_capabilities: Texts  #: such as ``8.0`` or ``compute_90`` (PTX)
    numpy_abi: Texts  #: the NumPy majors that its extension modules accept
    instruction_sets: Texts  #: CPU instructions beyond x86-64-v2 that it cannot do without, named as in ``Cpu``


class Component(Record, frozen=True, kw_only=True):
    """A part of a framework that is installed for itself, such as ``jaxlib``."""

    name: str  #: its import name
    version: OptionalText  #: of its files
    how: OptionalText  #: the file that told the version


class MainLibrary(Record, frozen=True, kw_only=True):
    """The shared library that holds most of a framework."""

    path: OptionalText  #: None: there is none where it should be
    machine: OptionalText  #: the processor architecture that it was made for; None: not told by its header
    truncated: Flag  #: the file ends before its own header says
    missing: Texts = NOT_RECORDED  #: libraries that it, or one of its own parts, is linked with and the loader lacks
    glibc: OptionalText = NOT_RECORDED  #: the newest glibc whose symbols it needs, such as ``2.28``
    libstdcxx: OptionalText = NOT_RECORDED  #: the newest symbols of libstdc++ that it needs, such as ``3.4.22``
    libstdcxx_found: OptionalText = NOT_RECORDED  #: the newest that the libstdc++ has which the loader takes for it


class Device(Record, frozen=True, kw_only=True):
    """A device as the framework itself lists it."""

    name: str  #: ``cpu`` or ``gpu:0``: envcheck's name, one for all frameworks
    framework_name: str  #: such as ``/device:GPU:0``
    description: OptionalText


class Import(Record, frozen=True, kw_only=True):
    """What happened when the framework was imported in a child."""

    status: Text  #: ``ok``, ``raised``, ``crashed``, ``timed-out``, ``exited``
    seconds: Number
    error: OptionalText
    stderr_tail: OptionalText


class Backend(Record, frozen=True, kw_only=True):
    """One framework: installed or not."""

    name: str  #: ``tensorflow``, ``jax``, ``torch``, ``openvino``, ...
    keras_backend: bool  #: Keras 3 can run on it
    installed: Flag
    version: OptionalText  #: of the files
    metadata_version: OptionalText  #: what the installer believes
    distributions: Texts  #: the distributions that provide it, such as ``tensorflow-cpu``
    how: OptionalText  #: the file that told the version
    location: OptionalText  #: the folder of its files; None: there are none
    built_for: BuiltFor
    devices: tuple[Device, ...] | Unknown
    imported: Import = msgspec.field(name="import")
    import_without_preloads: OptionalText = NOT_RECORDED  #: its status without LD_PRELOAD; None: no need to try
    import_mended_without: OptionalText = NOT_RECORDED  #: the variable without which a failing import ends well
    components: tuple[Component, ...] | Unknown = NOT_RECORDED
    plugins: Texts = NOT_RECORDED  #: devices or providers that its files serve, such as ``cuda13`` or ``intel_gpu``
    leftover: OptionalText = NOT_RECORDED  #: a folder of its name without its code, which Python takes for a package
    main_library: MainLibrary = all_unknown(MainLibrary, NOT_RECORDED)
