"""Instructions that compiled packages need and the processor may not have."""

from collections.abc import Iterator

from envcheck.fixes import solved
from envcheck.fixes.files import by_hand
from envcheck.knowledge.frameworks import hidden_instruction_sets
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, distribution, for_each_framework, listed, title_of, version_of
from envcheck.words import template

INSTRUCTIONS = "/hardware/cpu/instruction_sets"
KERAS = "https://keras.io/getting_started/"
CONDA_BUILD = template("Use a build without {missing}: conda-forge has some, or build {framework} from source")
OTHER_FRAMEWORK = template("Use another framework: PyTorch, OpenVINO and ONNX Runtime run on processors without AVX")
VM_CPU = template(
    "If this is a virtual machine on a newer processor: give it the host's processor type (CPU type 'host' in "
    "Proxmox and libvirt) and start it anew"
)
ARM_PYTHON = template("Install a Python for Apple processors (arm64) and make a new environment with it")
NEXT_PATCH = template("Move on to a later patch release, which is built without these instructions")


@rule(
    "cpu-lacks-avx",
    severity="error",
    layer="hardware",
    title=template("The processor lacks instructions that {framework} needs: {missing}"),
    message=template(
        "{framework} {version} is compiled for processors with {missing}, and this one ({model}) does not offer "
        "them. The process dies with 'Illegal instruction', mostly at the import, or says that the binary was compiled "
        "for AVX."
    ),
    after=("emulated-x86-container-lacks-avx", "vm-hides-avx", "rosetta-x86-python"),
)
def cpu_lacks_avx(facts: Facts) -> Iterator[Failure]:
    """A compiled package uses instructions that this processor does not have, AVX most of all.

    Old processors and some Celeron, Pentium and Atom models lack AVX; a virtual machine with a generic processor type
    hides it; emulated Intel containers on ARM machines have none. TensorFlow dies without a word or with 'compiled to
    use AVX instructions', JAX says 'was built using AVX instructions', MXNet dies where it first multiplies;
    PaddlePaddle 3 needs AVX2. PyTorch, OpenVINO and ONNX Runtime choose their instructions at run time and work.
    Nothing is said of a framework that was imported and went through the smoke test alive.
    """
    if need(facts.platform.machine) not in ("x86_64", "AMD64"):
        raise NotApplicable("not an x86-64 processor")

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        if _works(facts, backend):
            return
        needed = need(backend.built_for.instruction_sets)
        missing = [name for name in needed if name not in need(facts.hardware.cpu.instruction_sets)]
        if missing:
            fields = {
                "framework": title_of(backend.name),
                "version": known(backend.version, None) or "",
                "missing": listed(name.upper() for name in missing),
                "model": known(facts.hardware.cpu.model, None) or "of unknown model",
            }
            build = by_hand(CONDA_BUILD, "https://www.tensorflow.org/install/source", **fields)
            in_conda = backend.name in ("tensorflow", "jax")
            other = _other_framework(facts)
            yield Failure(
                evidence=(INSTRUCTIONS, f"/backends/{index}/built_for/instruction_sets"),
                fields=fields,
                fixes=(build, other) if in_conda else (other,),
                subject=backend.name,
            )

    yield from for_each_framework(facts, check)


def _other_framework(facts: Facts) -> Fix:
    there = known(facts.backends, ()) and backend(facts, "torch")
    fix = None if there else solved.computed(facts, OTHER_FRAMEWORK, add=("torch",), only_here=True, source=KERAS)
    return fix or by_hand(OTHER_FRAMEWORK, KERAS)


def _works(facts: Facts, backend: Backend) -> bool:
    """Say whether a framework was imported and no process died of it later."""
    died = any(run.backend == backend.name and run.status == "crashed" for run in known(facts.smoke, ()))
    return known(backend.imported.status, None) == "ok" and not died


@rule(
    "vm-hides-avx",
    severity="warning",
    layer="platform",
    title=template("The virtual machine offers no AVX"),
    message=template(
        "This is a virtual machine whose processor ({model}) offers no AVX instructions. Nearly every processor that "
        "runs virtual machines today has them, so its settings probably hide them. {framework} is compiled for them."
    ),
)
def vm_hides_avx(facts: Facts) -> Iterator[Failure]:
    """A virtual machine was given a generic processor type, which leaves AVX out.

    The types kvm64 and qemu64 do this; VirtualBox does it while Hyper-V or memory integrity runs on Windows. The guest
    then cannot tell a missing instruction from a hidden one.
    """
    if need(facts.platform.machine) not in ("x86_64", "AMD64"):
        raise NotApplicable("not an x86-64 processor")
    cpu = facts.hardware.cpu
    if "avx" in need(cpu.instruction_sets) or not need(cpu.virtual):
        return

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        if "avx" in need(backend.built_for.instruction_sets):
            yield Failure(
                evidence=("/hardware/cpu/virtual", INSTRUCTIONS),
                fields={"framework": title_of(backend.name), "model": known(cpu.model, None) or "of unknown model"},
                fixes=(by_hand(VM_CPU, "https://pve.proxmox.com/wiki/Qemu/KVM_Virtual_Machines#qm_cpu"),),
                subject=backend.name,
            )

    yield from for_each_framework(facts, check)


@rule(
    "wheel-requires-avx2",
    severity="error",
    layer="hardware",
    title=template("{framework} {version} needs {missing}, more than it says"),
    message=template(
        "This release was built with a higher instruction set than announced: it needs {missing}, and the processor "
        "({model}) does not offer them. The import dies with 'Illegal instruction'."
    ),
    after=("cpu-lacks-avx",),
)
def wheel_requires_avx2(facts: Facts) -> Iterator[Failure]:
    """One release was built with more instructions than its maker announced, so that AVX alone is not enough.

    TensorFlow 2.4.0 is known for it; 2.4.1 is built right.
    """
    if need(facts.platform.machine) not in ("x86_64", "AMD64"):
        raise NotApplicable("not an x86-64 processor")

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        version = version_of(need(backend.version))
        row = hidden_instruction_sets(backend.name, version) if version else None
        if row is None:
            return
        missing = [name for name in row.needs if name not in need(facts.hardware.cpu.instruction_sets)]
        if missing and version:
            following = f"{distribution(backend)}~={version.major}.{version.minor}.{version.micro + 1}"
            yield Failure(
                evidence=(INSTRUCTIONS, f"/backends/{index}/version"),
                fields={
                    "framework": title_of(backend.name),
                    "version": version,
                    "missing": listed(name.upper() for name in missing),
                    "model": known(facts.hardware.cpu.model, None) or "of unknown model",
                },
                fixes=(solved.change(facts, NEXT_PATCH, add=(following,), source=row.source),),
                subject=backend.name,
            )

    yield from for_each_framework(facts, check)


@rule(
    "rosetta-x86-python",
    severity="error",
    layer="platform",
    title=template("A Python for Intel processors runs on an Apple processor"),
    message=template(
        "The processor is Apple's ({model}), and the target Python is made for {machine}: it runs through the "
        "translator Rosetta. Packages for Intel processors need AVX instructions or have ended, and the Apple GPU "
        "cannot be used."
    ),
)
def rosetta_x86_python(facts: Facts) -> Iterator[Failure]:
    """The Python in use was made for Intel Macs and runs translated on an Apple processor.

    It usually comes from an old Homebrew or Anaconda that a new Mac took over. platform.machine() says x86_64. The
    packages that it installs die with 'Illegal instruction' or are years old.
    """
    if need(facts.platform.system) != "Darwin":
        raise NotApplicable("not macOS")
    if need(facts.hardware.cpu.vendor) == "Apple" and need(facts.python.machine) == "x86_64":
        yield Failure(
            evidence=("/hardware/cpu/vendor", "/python/machine"),
            fields={"model": known(facts.hardware.cpu.model, None) or "", "machine": facts.python.machine},
            fixes=(by_hand(ARM_PYTHON, "https://www.python.org/downloads/macos/"),),
        )
