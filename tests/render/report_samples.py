"""Reports for the renderers' tests, built from what each sample is about; all other facts are Unknown."""

import types
import typing
from typing import Any, TypeVar

import msgspec

from envcheck.model import facts as f
from envcheck.model.record import Record, all_unknown
from envcheck.model.report import REPORT_SCHEMA, Evidence, Finding, Fix, Report, RuleOutcome, verdict_of
from envcheck.model.unknown import Unknown

R = TypeVar("R", bound=Record)

NOT_LOOKED = Unknown("skipped", "not part of this sample")


def fill(record: type[R], unknown: Unknown = NOT_LOOKED, **values: Any) -> R:
    """Build a record; fields that are not given are ``unknown``, so that a new field of the model breaks no sample."""
    filled: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        if field.name in values:
            filled[field.name] = values.pop(field.name)
        elif not field.required:
            continue
        elif typing.get_origin(field.type) in (typing.Union, types.UnionType):
            filled[field.name] = unknown
        else:
            filled[field.name] = all_unknown(field.type, unknown)
    assert not values, f"{record.__name__} has no {', '.join(values)}"
    return record(**filled)


def report(facts: f.Facts, findings: tuple[Finding, ...] = (), outcomes: tuple[RuleOutcome, ...] = ()) -> Report:
    return Report(
        schema=REPORT_SCHEMA,
        envcheck="0.1.0",
        created="2026-11-22T19:00:00+00:00",
        verdict=verdict_of(findings),
        facts=facts,
        findings=findings,
        outcomes=outcomes,
    )


def finding(id: str, severity: str = "error", layer: str = "driver", **more: Any) -> Finding:
    values: dict[str, Any] = {
        "subject": None,
        "title": f"Title of {id}",
        "message": f"Message of {id}.",
        "evidence": (),
        "explained_by": None,
        "fixes": (),
    }
    return Finding(id=id, severity=severity, layer=layer, **{**values, **more})  # type: ignore[arg-type]


def fix(title: str, *commands: str, **more: Any) -> Fix:
    values: dict[str, Any] = {
        "needs_root": False,
        "restart": "none",
        "risk": "environment",
        "source": "https://example.org/install",
    }
    return Fix(title=title, commands=commands, **{**values, **more})


def outcome(id: str, status: str = "pass", detail: str = "") -> RuleOutcome:
    return RuleOutcome(id=id, status=status, detail=detail)  # type: ignore[arg-type]


# --- facts ------------------------------------------------------------------------------------


def platform(**values: Any) -> f.Platform:
    told = {
        "system": "Linux",
        "release": "6.1.0-28-amd64",
        "machine": "x86_64",
        "os_id": "debian",
        "os_version": "12",
        "os_name": "Debian GNU/Linux 12 (bookworm)",
        "libc_name": "glibc",
        "libc_version": "2.36",
        "container": None,
        "container_how": None,
        "wsl": None,
        "environment": (f.EnvironmentVariable(name="PATH", value="/usr/bin:/bin"),),
        "filesystems": (
            fill(
                f.FileSystem,
                purpose="home",
                path="/home/ada",
                total_bytes=500 * 2**30,
                writable=True,
                volatile=fill(f.FileSystemVolatile, available_bytes=120 * 2**30),
            ),
        ),
        "tool": fill(f.Tool, version="0.1.0", executable="/opt/envcheck/bin/python", python_version="3.11.7"),
    }
    return fill(f.Platform, **{**told, **values})


def hardware(pci: Any = ()) -> f.Hardware:
    return fill(
        f.Hardware,
        cpu=fill(
            f.Cpu,
            vendor="Intel",
            model="Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
            architecture="x86_64",
            cores_physical=16,
            cores_logical=32,
            cores_usable=4.0,
            instruction_sets=("sse4_1", "avx", "avx2", "fma"),
            volatile=fill(f.CpuVolatile, load_average=(0.5, 0.25, 0.125)),
        ),
        memory=fill(
            f.Memory,
            total_bytes=64 * 2**30,
            limit_bytes=None,
            swap_total_bytes=0,
            volatile=fill(f.MemoryVolatile, available_bytes=50 * 2**30, swap_free_bytes=0),
        ),
        pci=pci,
    )


def nvidia_card(**values: Any) -> f.PciDevice:
    told = {
        "address": "0000:01:00.0",
        "vendor_id": "10de",
        "device_id": "2330",
        "class_code": "030200",
        "vendor": "NVIDIA",
        "kernel_driver": None,
    }
    return fill(f.PciDevice, **{**told, **values})


def driver(**values: Any) -> f.Driver:
    told = {
        "version": None,
        "version_how": None,
        "kernel_module_loaded": False,
        "kernel_module_version": None,
        "kernel_module_flavour": None,
        "cuda_driver_api_version": None,
        "nvml": fill(f.Nvml, status="library-missing", error="libnvidia-ml.so.1: cannot open", library=None),
        "gpus": (),
    }
    return fill(f.Driver, nvidia=fill(f.NvidiaDriver, **{**told, **values}))


def python(**values: Any) -> f.Python:
    told = {
        "target": "/home/ada/work/.venv",
        "chosen_by": "VIRTUAL_ENV",
        "executable": "/home/ada/work/.venv/bin/python",
        "runs": True,
        "failure": None,
        "failure_detail": None,
        "isolated_only": False,
        "version": "3.11.7",
        "implementation": "CPython",
        "environment": "venv",
        "installer": "uv",
        "packages": (
            fill(
                f.Package,
                name="keras",
                version="3.15.1",
                location="/home/ada/work/.venv/lib",
                metadata="keras.dist-info",
            ),
        ),
        "shadows": (),
    }
    return fill(f.Python, **{**told, **values})


def backend(name: str, version: str, *devices: str, cuda: str | None = None, status: str = "ok") -> f.Backend:
    return fill(
        f.Backend,
        name=name,
        keras_backend=True,
        installed=True,
        version=version,
        metadata_version=version,
        distributions=(name,),
        built_for=fill(f.BuiltFor, cuda=cuda, cudnn=None, rocm=None),
        devices=tuple(f.Device(name=device, framework_name=device.upper(), description=None) for device in devices)
        if status == "ok"
        else Unknown("crashed", "the import died"),
        imported=fill(f.Import, status=status, seconds=1.25),
    )


def keras(**values: Any) -> f.Keras:
    told = {
        "installed": True,
        "version": "3.15.1",
        "backend": "tensorflow",
        "backend_chosen_by": "default",
        "backend_sources": (f.BackendSource(source="KERAS_BACKEND", value=None, detail=None),),
        "config_status": "absent",
        "tf_keras_version": None,
        "legacy_requested": False,
    }
    return fill(f.Keras, **{**told, **values})


def stage(
    name: str, status: str = "passed", seconds: float = 0.05, detail: str = "", step: float | None = None
) -> f.Stage:
    return fill(
        f.Stage,
        name=name,
        status=status,
        seconds=seconds,
        detail=detail,
        tolerance=1e-4,
        volatile=f.StageVolatile(deviation=2.5e-7, seconds_first_step=None, seconds_steady_step=step),
    )


def speed(gflops: float) -> f.Stage:
    volatile = f.StageVolatile(deviation=None, gflops=gflops, matrix_size=1024)
    return fill(f.Stage, name="speed", status="passed", seconds=0.3, detail="", tolerance=None, volatile=volatile)


def parity(backend: str, other: str, difference: float, stage: str) -> f.Parity:
    return f.Parity(
        backend=backend,
        device="cpu",
        other_backend=other,
        other_device="cpu",
        compared=("matmul", "train"),
        volatile=f.ParityVolatile(difference=difference, stage=stage),
    )


def company(first: str, second: str, status: str = "ok", **values: Any) -> f.Company:
    told = {"first": first, "second": second, "status": status, "step": None, "reason": None, "seconds": 4.0}
    return fill(f.Company, **{**told, **values})


def run(
    backend: str, device: str, status: str = "passed", failed_stage: str | None = None, **values: Any
) -> f.SmokeRun:
    stages = (
        stage("import", seconds=1.9),
        stage("place"),
        stage("matmul"),
        stage("train", seconds=0.8, step=0.0041),
        speed(123.4),
    )
    told = {
        "backend": backend,
        "backend_version": "2.21.0",
        "keras_version": "3.15.1",
        "device": device,
        "status": status,
        "failed_stage": failed_stage,
        "reason": None,
        "stages": stages if status == "passed" else stages[:1],
        "placed_on": device,
        "libraries": (f.LoadedLibrary(soname="libc.so.6", path="/lib/x86_64-linux-gnu/libc.so.6", version=None),),
        "environment_added": (),
        "stderr_tail": "",
    }
    return fill(f.SmokeRun, **{**told, **values})


def facts(**values: Any) -> f.Facts:
    told = {
        "platform": platform(),
        "hardware": hardware(),
        "driver": driver(),
        "python": python(),
        "backends": (),
        "keras": keras(),
        "notebook": fill(f.Notebook, kernels=(), ipykernel_version=None),
        "smoke": (),
    }
    return fill(f.Facts, **{**told, **values})


# --- samples ----------------------------------------------------------------------------------


def healthy() -> Report:
    """A CPU-only machine with three backends that all train."""
    seen = facts(
        backends=(
            backend("tensorflow", "2.21.0", "cpu"),
            backend("jax", "0.10.2", "cpu"),
            backend("torch", "2.13.0+cpu", "cpu"),
        ),
        smoke=(run("tensorflow", "cpu"), run("jax", "cpu"), run("torch", "cpu")),
        parity=(
            parity("tensorflow", "jax", 2.2e-7, "train"),
            parity("tensorflow", "torch", 3.9e-7, "train"),
            parity("jax", "torch", 0.0, "matmul"),
        ),
        pairs=(company("tensorflow", "jax"), company("jax", "tensorflow")),
    )
    note = finding(
        "pynvml-shim-installed",
        "info",
        "python",
        title="The deprecated package pynvml is installed and slows every start of this interpreter",
        message="The package pynvml on PyPI is a thin cover over nvidia-ml-py.",
        evidence=(Evidence(fact="/python/packages/0/name", value="pynvml"),),
        fixes=(fix("Remove it", "/home/ada/work/.venv/bin/python -m pip uninstall pynvml"),),
    )
    return report(
        seen, (note,), (outcome("no-backend"), outcome("nouveau-bound"), outcome("ipykernel-old", "not-applicable"))
    )


def many_devices() -> Report:
    """Two kinds of device and four backends, one of which is too wide for a small terminal."""
    gpus = tuple(
        fill(
            f.NvidiaGpu,
            index=index,
            name="NVIDIA H100 80GB HBM3",
            uuid=f"GPU-{index}",
            pci_address=f"0000:{index:02x}:00.0",
            compute_capability="9.0",
            memory_total_bytes=80 * 2**30,
        )
        for index in range(8)
    )
    places = ("cpu", "gpu:0", "gpu:1")
    seen = facts(
        platform=platform(container="docker", container_how="/.dockerenv", wsl="2"),
        hardware=hardware(tuple(nvidia_card(address=gpu.pci_address, kernel_driver="nvidia") for gpu in gpus)),
        driver=driver(version="570.86.15", version_how="nvml", cuda_driver_api_version="12.8", gpus=gpus),
        backends=(
            backend("tensorflow", "2.21.0", *places, cuda="12.5.1"),
            backend("jax", "0.10.2", "cpu"),
            backend("torch", "2.13.0+cu126", *places, cuda="12.6"),
            backend("openvino", "2026.1.0", "cpu"),
        ),
        smoke=(
            *(run("tensorflow", place) for place in places),
            run("jax", "cpu", "timed-out", "compile", reason="no answer after 180 s"),
            run("torch", "cpu"),
            run("torch", "gpu:0", "failed", "conv", reason="CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH"),
            run("torch", "gpu:1", "skipped", reason="gpu:0 had failed in the same process"),
            run("openvino", "cpu"),
        ),
    )
    cause = finding(
        "cudnn-two-versions",
        "error",
        "backend",
        subject="torch",
        title="PyTorch loads two versions of cuDNN",
        message="The process had loaded libcudnn.so.9 from two places.",
        evidence=(Evidence(fact="/smoke/5/reason", value="CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH"),),
        fixes=(fix("Remove the copy from LD_LIBRARY_PATH", "unset LD_LIBRARY_PATH", risk="safe", restart="shell"),),
    )
    symptom = finding(
        "smoke-failed",
        "error",
        "keras",
        subject="torch",
        title="PyTorch fails on gpu:0",
        explained_by="cudnn-two-versions",
    )
    hung = finding("smoke-timed-out", "error", "keras", subject="jax", title="JAX does not finish on cpu")
    warning = finding(
        "gpu-persistence-off",
        "warning",
        "driver",
        title="Persistence mode is off",
        fixes=(
            fix(
                "Turn it on",
                "sudo nvidia-smi -pm 1",
                needs_root=True,
                risk="system",
                verify="nvidia-smi -q -d PERFORMANCE",
            ),
        ),
    )
    outcomes = (
        outcome("a"),
        outcome("b", "unknown", "denied: /dev/kmsg may not be read"),
        outcome("c", "crashed", "KeyError"),
    )
    return report(seen, (cause, hung, warning, symptom), outcomes)


def driver_missing() -> Report:
    """A GPU on the bus without a driver, which explains what TensorFlow and PyTorch see."""
    seen = facts(
        hardware=hardware((nvidia_card(),)),
        backends=(
            backend("tensorflow", "2.21.0", "cpu", cuda="12.5.1"),
            backend("torch", "2.13.0+cu126", "cpu", cuda="12.6"),
        ),
        smoke=(run("tensorflow", "cpu"), run("torch", "cpu")),
    )
    cause = finding(
        "nvidia-driver-missing",
        "error",
        "driver",
        title="There is an NVIDIA GPU, but no NVIDIA driver",
        message=(
            "The device 10de:2330 at 0000:01:00.0 is an NVIDIA GPU. No kernel driver is bound to it and no NVIDIA "
            "driver is installed, so no framework can use it; all of them fall back to the CPU.\n\n"
            "The driver belongs to the operating system. Packages from PyPI or conda never bring it."
        ),
        evidence=(
            Evidence(fact="/hardware/pci/0/kernel_driver", value=None),
            Evidence(fact="/driver/nvidia/version", value=None),
            Evidence(fact="/driver/nvidia/gpus", value={"unknown": "failed", "detail": "no library"}),
        ),
        fixes=(
            fix(
                "Install the driver from the distribution",
                "sudo apt-get update",
                "sudo apt-get install --yes linux-headers-amd64 nvidia-driver firmware-misc-nonfree nvidia-kernel-dkms",
                needs_root=True,
                restart="machine",
                risk="system",
                verify="nvidia-smi",
            ),
            fix("Ask whoever looks after the machine to install it", risk="safe"),
        ),
    )
    symptoms = tuple(
        finding(
            "gpu-not-seen-by-framework",
            "error",
            "backend",
            subject=name,
            title=f"{title} sees no GPU",
            explained_by="nvidia-driver-missing",
            fixes=(fix("Mend the driver first"),),
        )
        for name, title in (("tensorflow", "TensorFlow"), ("torch", "PyTorch"))
    )
    return report(seen, (cause, *symptoms), (outcome("nvidia-driver-missing", "fail"),))


def crashed_import() -> Report:
    """One backend dies at import; another trains; a second root cause is a warning."""
    seen = facts(
        backends=(backend("tensorflow", "2.21.0", status="crashed"), backend("jax", "0.10.2", "cpu")),
        smoke=(
            run("tensorflow", "cpu", "crashed", "import", reason="died of SIGILL in stage import", stages=()),
            run("jax", "cpu"),
        ),
    )
    error = finding(
        "framework-import-crashed",
        "error",
        "backend",
        subject="tensorflow",
        title="Importing TensorFlow kills the interpreter",
        message="The interpreter died of SIGILL while it imported TensorFlow.",
        evidence=(
            Evidence(fact="/backends/0/import/status", value="crashed"),
            Evidence(
                fact="/backends/0/import/stderr_tail",
                value="Fatal Python error: Illegal instruction\n\nCurrent thread 0x00007f (most recent call first):\n"
                '  File "/home/ada/work/.venv/lib/python3.11/site-packages/tensorflow/python/__init__.py", line 41',
            ),
        ),
        fixes=(
            fix(
                "Install a build for this processor",
                "/home/ada/work/.venv/bin/python -m pip install --force-reinstall --no-cache-dir 'tensorflow==2.20.*'",
                restart="kernel",
            ),
        ),
    )
    warning = finding(
        "shared-memory-small",
        "warning",
        "platform",
        title="/dev/shm is small (64.0 MiB)",
        message="Data loaders with several workers pass batches through /dev/shm.",
        fixes=(fix("Start the container with more", "docker run --shm-size=8g IMAGE", risk="system"),),
    )
    return report(seen, (error, warning), (outcome("a"), outcome("b", "unknown", "failed: no permission")))


def everything_unknown() -> Report:
    """Nothing could be seen at all."""
    seen = all_unknown(f.Facts, Unknown("denied", "/proc may not be read"))
    return report(seen, (), tuple(outcome(f"rule-{n}", "unknown", "denied: /proc may not be read") for n in range(25)))


HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J [red]markup[/red] <script>alert(1)</script> a|b `tick` ```\n"
    "✗ forged line\r\n\u202egnp.exe\u2069 \udc80 \x00\x07\x08 \u2028next &amp; ]]> --> {{ 7 * 7 }} {field} %s"
)


def hostile() -> Report:
    """Foreign text that tries to take over the terminal, the page or the script."""
    long = "x" * 10_000
    seen = facts(
        platform=platform(os_name=HOSTILE, container=HOSTILE),
        hardware=hardware((nvidia_card(vendor=HOSTILE, kernel_driver=HOSTILE),)),
        python=python(executable=f"/tmp/{HOSTILE}/python", runs=False, failure_detail=long),
        backends=(backend("torch", HOSTILE, HOSTILE), backend(HOSTILE, long)),
        smoke=(
            run("torch", HOSTILE, "failed", HOSTILE, reason=HOSTILE),
            run(HOSTILE, "cpu", "crashed", "import", reason=long),
        ),
        parity=(parity("torch", HOSTILE, 0.5, HOSTILE),),
        pairs=(company("torch", HOSTILE, HOSTILE, step=HOSTILE, reason=long, stderr_tail=HOSTILE),),
    )
    findings = tuple(
        finding(
            f"hostile-{severity}",
            severity,
            "python",
            subject=HOSTILE,
            title=HOSTILE,
            message=HOSTILE + long,
            evidence=(
                Evidence(fact="/python/executable", value=HOSTILE),
                Evidence(fact="/python/version", value=long),
                Evidence(fact="/python/path", value=[HOSTILE, None, True, {HOSTILE: 1}]),
            ),
            fixes=(
                fix(HOSTILE, "echo 'plain'", "touch '/tmp/" + HOSTILE + "'", verify=HOSTILE, source=HOSTILE),
                fix("long", "echo " + long),
            ),
        )
        for severity in ("error", "warning", "info")
    )
    return report(seen, findings, (outcome(HOSTILE, "unknown", HOSTILE + long), outcome("fine")))


SAMPLES = {
    "healthy": healthy,
    "many-devices": many_devices,
    "driver-missing": driver_missing,
    "crashed-import": crashed_import,
    "everything-unknown": everything_unknown,
    "hostile": hostile,
}


# --- the driver's floor alone -------------------------------------------------------------------


def amd_and_nvidia() -> Report:
    node = fill(f.AmdNode, node=1, gfx_target="gfx90a")
    amd = fill(f.AmdDriver, module_loaded=True, module_version=None, compute_nodes=(node,), rocm_version="6.1.2")
    both = driver(version="550.54.14", cuda_driver_api_version="12.4")
    return report(facts(driver=msgspec.structs.replace(both, amd=amd)))


def amd_without_driver() -> Report:
    card = nvidia_card(vendor_id="1002", vendor="AMD", device_id="740f")
    amd = fill(f.AmdDriver, module_loaded=False, rocm_version=None)
    return report(facts(hardware=hardware((card,)), driver=msgspec.structs.replace(driver(), amd=amd)))


def intel() -> Report:
    card = nvidia_card(vendor_id="8086", vendor="Intel", device_id="56a0", kernel_driver="xe")
    loaded = fill(f.IntelDriver, modules_loaded=("xe",), level_zero_drivers=())
    return report(facts(hardware=hardware((card,)), driver=msgspec.structs.replace(driver(), intel=loaded)))


def mac() -> Report:
    metal = fill(f.Apple, rosetta=False, gpu="Apple M3", gpu_cores=10, metal="metal3")
    return report(
        facts(
            platform=platform(system="Darwin", os_name="macOS 26.1"),
            hardware=msgspec.structs.replace(hardware(), apple=metal),
        )
    )


DRIVERS = {
    "driver-amd-and-nvidia": amd_and_nvidia,
    "driver-amd-missing": amd_without_driver,
    "driver-intel": intel,
    "driver-mac": mac,
}
