"""Facts of simulated machines, as plain data, and the words in which a case says what is different on its machine.

Each machine here is healthy: the rules have nothing to say about it, and can decide everything they ask. What a machine
does not tell is ``Unknown``, also what later versions of the model add.
"""

import copy
import types
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from envcheck.model import facts as model
from envcheck.model.facts import Facts
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown

Data = dict[str, Any]

NOT_TOLD = {"unknown": "skipped", "detail": "this simulated machine does not tell"}
GIB = 1024**3
MIB = 1024**2
PYTHON = "/home/ana/env/bin/python"
SITE = "/home/ana/env/lib/python3.11/site-packages"


def record(kind: type[Record], /, **given: Any) -> Data:
    """Return a record as plain data: what is ``given``, and ``Unknown`` in every other field."""
    data: Data = {}
    for field in msgspec.structs.fields(kind):
        if field.name in given:
            data[field.encode_name] = given.pop(field.name)
        elif _admits_unknown(field.type):
            data[field.encode_name] = dict(NOT_TOLD)
        elif isinstance(field.type, type) and issubclass(field.type, Record):
            data[field.encode_name] = record(field.type)
        elif field.required:
            raise TypeError(f"{kind.__name__}.{field.name} has to be given")
    if given:
        raise TypeError(f"{kind.__name__} has no {', '.join(given)}")
    return data


def _admits_unknown(annotation: Any) -> bool:
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return union and Unknown in typing.get_args(annotation)


# --- parts of machines ----------------------------------------------------------------------------


def file_system(purpose: str, path: str = "/", available: int = 100 * GIB, total: int = 200 * GIB) -> Data:
    volatile = record(model.FileSystemVolatile, available_bytes=available)
    return record(
        model.FileSystem,
        purpose=purpose,
        path=path,
        total_bytes=total,
        writable=True,
        executable=True,
        volatile=volatile,
    )


def variable(name: str, value: str = "") -> Data:
    return record(model.EnvironmentVariable, name=name, value=value)


def pci(address: str, vendor_id: str = "10de", kernel_driver: str | None = "nvidia") -> Data:
    return record(
        model.PciDevice,
        address=address,
        vendor_id=vendor_id,
        device_id="2684",
        class_code="030000",
        vendor="NVIDIA",
        kernel_driver=kernel_driver,
        family="Ada" if vendor_id == "10de" else None,
        compute_capability="8.9" if vendor_id == "10de" else None,
        memory_regions_assigned=True,
        answers=True,
    )


def gpu(index: int, name: str = "NVIDIA GeForce RTX 4090", capability: str = "8.9") -> Data:
    volatile = record(
        model.NvidiaGpuVolatile,
        memory_free_bytes=23 * GIB,
        memory_used_bytes=1 * GIB,
        temperature_celsius=41,
        slowdown_reasons=("idle",),
        pcie_generation=1,
        pcie_width=16,
        ecc_uncorrected_since_boot=None,
    )
    return record(
        model.NvidiaGpu,
        index=index,
        name=name,
        uuid=f"GPU-0000000{index}-aaaa-bbbb-cccc-dddddddddddd",
        pci_address=f"0000:0{index + 1}:00.0",
        compute_capability=capability,
        memory_total_bytes=24 * GIB,
        compute_mode="default",
        mig_mode=None,
        mig_devices=(),
        persistence_mode=False,
        display_active=True,
        virtualization=None,
        vgpu_licensed=None,
        ecc_mode=None,
        retired_pages_pending=None,
        row_remap_pending=None,
        row_remap_failed=None,
        inforom_valid=None,
        recovery_action=None,
        pcie_generation_max=4,
        pcie_width_max=16,
        nvlinks=None,
        nvlinks_active=None,
        fabric_state=None,
        volatile=volatile,
    )


def cuda_device(index: int, name: str = "NVIDIA GeForce RTX 4090", capability: str = "8.9") -> Data:
    return record(
        model.CudaDevice,
        index=index,
        name=name,
        uuid=f"GPU-0000000{index}-aaaa-bbbb-cccc-dddddddddddd",
        compute_capability=capability,
    )


def device_node(name: str, mode: str = "0666", group: str = "root") -> Data:
    return record(
        model.DeviceNode,
        path=f"/dev/dri/{name}" if name.startswith("render") else f"/dev/{name}",
        mode=mode,
        owner="root",
        group=group,
        major=195,
        minor=0,
        major_expected=195,
        open_error=None,
    )


def driver_library(file: str, kind: str = "driver") -> Data:
    """Return a file of NVIDIA's driver; its name holds the version."""
    name, _, version = file.partition(".so.")
    folder = "/usr/lib/wsl/lib" if kind == "wsl" else "/usr/lib/x86_64-linux-gnu"
    return record(
        model.DriverLibrary,
        name=f"{name}.so",
        path=f"{folder}/{file}",
        version=version if "." in version else None,
        kind=kind,
        size_bytes=30 * MIB,
        mounted=False,
    )


def kernel_message(kind: str) -> Data:
    """Return a line of the kernel's log, of a kind such as ``xid-79`` or ``resumed``."""
    word, _, code = kind.partition("-")
    is_xid = word == "xid" and code.isdecimal()
    return record(
        model.KernelMessage,
        kind=word if is_xid else kind,
        text=f"NVRM: Xid (PCI:0000:01:00): {code}, Fatal" if is_xid else kind,
        count=1,
        code=int(code) if is_xid else None,
        meaning=None,
        pci_address="0000:01:00.0",
        process=None,
    )


def module_file(kernel: str, version: str = "580.95.05") -> Data:
    return record(
        model.KernelModuleFile,
        kernel=kernel,
        path=f"/lib/modules/{kernel}/updates/dkms/nvidia.ko",
        version=version,
        flavour="open",
        signer="DKMS module signing key",
    )


def no_kernel_log() -> Data:
    return record(model.KernelLog, source="dmesg", volatile=record(model.KernelLogVolatile, messages=()))


def package(name: str, version: str = "1.0", requires: tuple[str, ...] = (), **more: Any) -> Data:
    folder = f"{SITE}/{name}-{version}.dist-info"
    given = {
        "installer": "pip",
        "requested": False,
        "editable": False,
        "wheel_tags": ("py3-none-any",),
        "requires_python": ">=3.10",
        "top_level": (name,),
        "files_missing": (),
        "files_truncated": (),
        "folders_denied": (),
        "source_url": None,
    }
    return record(
        model.Package,
        name=name,
        version=version,
        requires=requires,
        location=SITE,
        metadata=folder,
        **{**given, **more},
    )


def shadow(module: str) -> Data:
    return record(
        model.Shadow, module=module, path=f"/home/ana/work/{module}.py", found_in="working-directory", hides=SITE
    )


def backend(name: str, version: str | None = "1.0", *, devices: tuple[str, ...] = ("cpu",), **built_for: Any) -> Data:
    """Return a framework that is installed and can be imported."""
    build = {
        "cuda": None,
        "cudnn": None,
        "rocm": None,
        "compute_capabilities": (),
        "numpy_abi": ("1", "2"),
        "instruction_sets": (),
    }
    return record(
        model.Backend,
        name=name,
        keras_backend=name in ("tensorflow", "jax", "torch", "openvino", "theano", "cntk"),
        installed=True,
        version=version,
        metadata_version=version,
        distributions=(name,),
        how=f"{SITE}/{name}/version.py",
        location=f"{SITE}/{name}",
        built_for=record(model.BuiltFor, **{**build, **built_for}),
        devices=tuple(device(found) for found in devices),
        imported=imported(),
        leftover=None,
    )


def candidate(path: str, via: str = "RUNPATH", version: str | None = None, package: str | None = None) -> Data:
    """Return a file of a CUDA library that is in order."""
    return record(
        model.LibraryCandidate,
        path=path,
        found_via=via,
        reachable=via not in ("wheel", "conda", "toolkit", "compat", "driver folder"),
        file=path,
        problem=None,
        version=version,
        version_how="package" if package else None,
        package=package,
        needs=[],
    )


def library(framework: str, soname: str, *candidates: Data) -> Data:
    """Return the search for a CUDA library, whose first candidate is loaded."""
    return record(
        model.LibrarySearch,
        framework=framework,
        soname=soname,
        required=True,
        asked_by=f"{SITE}/{framework}/lib{framework}.so",
        candidates=list(candidates),
        winner=0 if candidates else None,
        other_versions=[],
    )


def cuda_libraries() -> list[Data]:
    """Return how three frameworks find some of their CUDA libraries in the wheels."""
    found = []
    for framework, major in (("tensorflow", 12), ("jax", 12), ("torch", 13)):
        folder = "cuda_runtime" if major == 12 else "cu13"
        runtime = candidate(f"{SITE}/nvidia/{folder}/lib/libcudart.so.{major}", version=f"{major}.0.90")
        found.append(library(framework, f"libcudart.so.{major}", runtime))
        found.append(
            library(framework, "libcusparse.so.12", candidate(f"{SITE}/nvidia/cusparse/lib/libcusparse.so.12"))
        )
        for name in ("libcudnn.so.9", "libcudnn_graph.so.9", "libcudnn_ops.so.9"):
            path = f"{SITE}/nvidia/cudnn/lib/{name}"
            found.append(library(framework, name, candidate(path, "RUNPATH", "9.19.0.56", f"nvidia-cudnn-cu{major}")))
    return found


def device(name: str) -> Data:
    return record(model.Device, name=name, framework_name=name, description=None)


def imported() -> Data:
    return record(model.Import, status="ok", seconds=2.0, error=None, stderr_tail="")


def absent(name: str) -> Data:
    """Return a framework that is not installed."""
    none = Unknown("skipped", "not installed")
    import_ = record(model.Import, status=none, seconds=none, error=none, stderr_tail=none)
    return record(
        model.Backend,
        name=name,
        keras_backend=True,
        installed=False,
        version=None,
        metadata_version=None,
        distributions=(),
        how=None,
        location=None,
        devices=(),
        leftover=None,
        imported=msgspec.to_builtins(import_),
    )


def kernel(name: str) -> Data:
    return record(
        model.Kernel,
        name=name,
        display_name="Python 3 (ipykernel)",
        path=f"/home/ana/.local/share/jupyter/kernels/{name}",
        argv=(PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
        interpreter=PYTHON,
        interpreter_exists=True,
        language="python",
        starts_target=True,
        environment=(),
    )


def stage(name: str, status: str = "passed") -> Data:
    return record(
        model.Stage, name=name, status=status, seconds=0.1, detail="", tolerance=None, failure=None,
        volatile=record(model.StageVolatile, deviation=None),
    )  # fmt: skip


STAGES = ("import", "devices", "place", "matmul", "conv", "recurrent", "train", "compile", "reduced-precision", "speed")


def company(first: str, second: str) -> Data:
    """Return two frameworks that worked in one process, in this order."""
    return record(
        model.Company, first=first, second=second, status="ok", step=None, reason=None, seconds=5.0, stderr_tail=""
    )


def smoke(name: str, on: str = "cpu") -> Data:
    """Return a smoke test that passed."""
    return record(
        model.SmokeRun,
        backend=name,
        backend_version="1.0",
        keras_version="3.15.1",
        device=on,
        status="passed",
        failed_stage=None,
        reason=None,
        stages=tuple(stage(each) for each in STAGES),
        placed_on=on,
        libraries=(),
        environment_added=(),
        stderr_tail="",
    )


# --- machines -------------------------------------------------------------------------------------

TENSORFLOW_REQUIRES = (
    "absl-py>=1.0.0",
    "numpy>=1.26.0",
    "protobuf<8.0.0,>=6.31.1",
    "keras>=3.12.0",
    "h5py<3.15.0,>=3.11.0",
    "ml-dtypes<1.0.0,>=0.5.1",
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"',
    'nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
)
"""A few of the requirements of tensorflow 2.21.0 on PyPI."""
JAX_REQUIRES = ("jaxlib<=0.10.2,>=0.10.1", "ml-dtypes>=0.5.0", "numpy>=2.0", 'jax-cuda12-plugin; extra == "cuda12"')


def packages() -> list[Data]:
    manylinux = ("cp311-cp311-manylinux_2_27_x86_64",)
    return [
        package("pip", "25.3"),
        package("absl-py", "2.5.1"),
        package("numpy", "2.4.6", wheel_tags=manylinux),
        package("protobuf", "7.36.2", wheel_tags=("cp310-abi3-manylinux2014_x86_64",)),
        package("h5py", "3.14.0", ("numpy>=1.19.3",), wheel_tags=manylinux),
        package("ml-dtypes", "0.6.0", ("numpy>=1.21",), wheel_tags=manylinux),
        package("keras", "3.15.1", ("absl-py", "numpy", "h5py", "ml-dtypes"), requested=True),
        package("tensorflow", "2.21.0", TENSORFLOW_REQUIRES, requested=True, wheel_tags=manylinux),
        package("jax", "0.10.2", JAX_REQUIRES, requested=True),
        package("jaxlib", "0.10.2", ("numpy>=2.0",), wheel_tags=manylinux),
        package("torch", "2.13.0+cpu", requested=True, wheel_tags=("cp311-cp311-manylinux_2_28_x86_64",)),
        package("openvino", "2026.4.1", ("numpy<2.6.0,>=1.16.6",), wheel_tags=("cp311-cp311-manylinux2014_x86_64",)),
    ]


def cpu_only() -> Data:
    """A desktop without GPU: Debian 12, a virtual environment with Keras 3 and its four backends."""
    environ = (variable("PATH", "/usr/bin:/bin"), variable("LANG", "C.UTF-8"))
    platform = record(
        model.Platform,
        system="Linux",
        release="6.1.0-31-amd64",
        machine="x86_64",
        os_id="debian",
        os_version="12",
        os_name="Debian GNU/Linux 12 (bookworm)",
        libc_name="glibc",
        libc_version="2.36",
        container=None,
        container_how=None,
        wsl=None,
        home="/home/ana",
        environment=environ,
        filesystems=(
            file_system("target", "/home/ana/env"),
            file_system("home", "/home/ana"),
            file_system("temporary", "/tmp"),
            file_system("shared-memory", "/dev/shm", available=8 * GIB, total=8 * GIB),
        ),
        board=None,
        secure_boot=None,
        lockdown="none",
        container_devices=record(model.ContainerDevices, nvidia_requirement=None, cdi_specifications=()),
        scheduler=record(
            model.Scheduler, name=None, how=None, gpus_allocated=None, gpus_allocated_how=None, cpus_allocated=None
        ),
        cloud=record(model.Cloud, provider=None, provider_how=None, machine_type=None, hosted=None, hosted_how=None),
        tool=record(
            model.Tool, version="0.1.0", executable="/usr/bin/python3", python_version="3.11.2", probe_failures=()
        ),
    )
    cpu = record(
        model.Cpu,
        vendor="Intel",
        model="Intel(R) Core(TM) i7-9700",
        architecture="x86_64",
        cores_usable=8.0,
        instruction_sets=("sse4_1", "sse4_2", "avx", "avx2", "fma"),
        virtual=False,
    )
    memory = record(
        model.Memory,
        total_bytes=32 * GIB,
        limit_bytes=None,
        swap_total_bytes=0,
        volatile=record(model.MemoryVolatile, available_bytes=24 * GIB, swap_free_bytes=0),
    )
    markers = record(
        model.MarkerEnvironment,
        implementation_name="cpython",
        implementation_version="3.11.7",
        os_name="posix",
        platform_machine="x86_64",
        platform_python_implementation="CPython",
        platform_release="6.1.0-31-amd64",
        platform_system="Linux",
        platform_version="#1 SMP",
        python_full_version="3.11.7",
        python_version="3.11",
        sys_platform="linux",
    )
    python = record(
        model.Python,
        target="/home/ana/env",
        chosen_by="VIRTUAL_ENV",
        executable=PYTHON,
        runs=True,
        failure=None,
        failure_detail=None,
        isolated_only=False,
        version="3.11.7",
        implementation="CPython",
        bits=64,
        machine="x86_64",
        prefix="/home/ana/env",
        base_prefix="/usr",
        environment="venv",
        externally_managed=False,
        installer="pip",
        path=(SITE,),
        site_packages=(SITE,),
        user_site="/home/ana/.local/lib/python3.11/site-packages",
        user_site_enabled=False,
        markers=markers,
        packages=packages(),
        shadows=[],
        venv_home="/usr/bin",
        stranded_site_packages=(),
        leftovers=(),
        certificates=record(
            model.Certificates,
            places=("/etc/ssl/certs",),
            expected=("/etc/ssl/cert.pem", "/etc/ssl/certs"),
            variables=(),
        ),
    )
    keras = record(
        model.Keras,
        installed=True,
        version="3.15.1",
        how=f"{SITE}/keras/src/version.py",
        location=f"{SITE}/keras",
        distributions=("keras",),
        backends_available=("jax", "numpy", "openvino", "tensorflow", "torch"),
        backend="tensorflow",
        backend_chosen_by="default",
        backend_sources=[
            record(model.BackendSource, source="KERAS_BACKEND", value=None, detail=None),
            record(model.BackendSource, source="keras.json", value=None, detail=None),
            record(model.BackendSource, source="default", value="tensorflow", detail=None),
        ],
        config_path="/home/ana/.keras/keras.json",
        config_status="absent",
        config_error=None,
        config_writable=True,
        config_fallback=False,
        tf_keras_version=None,
        legacy_requested=False,
        flavour="keras-3",
        metadata_version="3.15.1",
        leftover=None,
    )
    return {
        "platform": platform,
        "hardware": {"cpu": cpu, "memory": memory, "pci": []},
        "driver": {"nvidia": no_driver(), **other_drivers()},
        "python": python,
        "backends": [
            backend("tensorflow", "2.21.0", **TENSORFLOW_BUILD),
            backend("jax", "0.10.2", instruction_sets=("avx",)),
            backend("torch", "2.13.0+cpu"),
            backend("openvino", "2026.4.1"),
        ],
        "keras": keras,
        "notebook": record(
            model.Notebook, kernels=[kernel("python3")], ipykernel_version="7.1.0", ipykernel_error=None,
            stale_modules=(),
        ),
        "smoke": [smoke("tensorflow"), smoke("jax"), smoke("torch"), smoke("openvino")],
    }  # fmt: skip


TENSORFLOW_BUILD: Data = {
    "cuda": "12.5.1",
    "compute_capabilities": ("6.0", "7.0", "8.0", "8.9", "compute_90"),
    "instruction_sets": ("avx",),
}
"""The build of tensorflow 2.21.0 on PyPI for Linux on x86-64."""
TORCH_CODES = ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")


def no_driver() -> Data:
    return record(
        model.NvidiaDriver,
        version=None,
        version_how=None,
        kernel_module_loaded=False,
        kernel_module_version=None,
        kernel_module_flavour=None,
        cuda_driver_api_version=None,
        nvml=record(model.Nvml, status="library-missing", error=None, library=None, error_code=None),
        gpus=[],
        cuda=record(
            model.CudaDriver, status="library-missing", failed_call=None, error_code=None, error=None, library=None,
            library_kind=None, api_version=None, devices=(),
        ),
        kernel=record(
            model.NvidiaKernel, modules_loaded=(), module_files=(), kernel_headers=False, dkms=(), modprobe=(),
            uvm_disable_hmm=None, gsp_firmware=None, gpus=(), nvswitches=0, services=(), fabric_manager_version=None,
        ),
        visible_devices=record(
            model.VisibleDevices, value=None, order="fastest-first", gpus=(), mig_devices=(), cut_at=None
        ),
        libraries=(),
    )  # fmt: skip


def other_drivers() -> Data:
    """Return the parts of the driver layer that are not NVIDIA's, on a machine without such GPUs."""
    return {
        "amd": record(model.AmdDriver, module_loaded=False, module_version=None, compute_nodes=(), rocm_version=None),
        "intel": record(
            model.IntelDriver, modules_loaded=(), level_zero_loader=None, level_zero_drivers=(), opencl_drivers=()
        ),
        "device_nodes": [],
        "kernel_log": no_kernel_log(),
    }


def driver(gpus: list[Data]) -> Data:
    return record(
        model.NvidiaDriver,
        version="580.95.05",
        version_how="nvml",
        kernel_module_loaded=True,
        kernel_module_version="580.95.05",
        kernel_module_flavour="open",
        cuda_driver_api_version="13.0",
        nvml=record(
            model.Nvml,
            status="ok",
            error=None,
            library="/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05",
            error_code=None,
        ),
        gpus=gpus,
        cuda=record(
            model.CudaDriver,
            status="ok",
            failed_call=None,
            error_code=None,
            error=None,
            library="/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05",
            library_kind="driver",
            api_version="13.0",
            devices=[cuda_device(found["index"]) for found in gpus],
        ),
        kernel=record(
            model.NvidiaKernel,
            modules_loaded=("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm"),
            module_files=[module_file("6.1.0-31-amd64")],
            kernel_headers=True,
            dkms=(),
            modprobe=(),
            uvm_disable_hmm=True,
            gsp_firmware=True,
            gpus=[
                record(model.NvidiaProcGpu, pci_address=found["pci_address"], device_minor=found["index"])
                for found in gpus
            ],
            nvswitches=0,
            services=("nvidia-persistenced",),
            fabric_manager_version=None,
        ),
        visible_devices=record(
            model.VisibleDevices,
            value=None,
            order="fastest-first",
            gpus=[found["index"] for found in gpus],
            mig_devices=(),
            cut_at=None,
        ),
        libraries=[
            driver_library("libcuda.so.580.95.05"),
            driver_library("libnvidia-ml.so.580.95.05"),
        ],
    )


def nvidia() -> Data:
    """A workstation with an RTX 4090: Ubuntu 24.04, every framework as a build for GPUs."""
    data = cpu_only()
    data["platform"].update(os_id="ubuntu", os_version="24.04", os_name="Ubuntu 24.04.3 LTS", libc_version="2.39")
    data["hardware"]["pci"] = [pci("0000:01:00.0")]
    data["driver"]["nvidia"] = driver([gpu(0)])
    data["driver"]["libraries"] = cuda_libraries()
    data["driver"]["cuda_toolchain"] = record(model.CudaToolchain, cuda_home=None, xla_data_dir=None, toolkits=[])
    data["driver"]["device_nodes"] = [device_node(f"nvidia{name}") for name in ("ctl", "0", "-uvm")]
    both = ("cpu", "gpu:0")
    data["backends"] = [
        backend("tensorflow", "2.21.0", devices=both, **TENSORFLOW_BUILD),
        backend("jax", "0.10.2", devices=both, cuda="12.9", compute_capabilities=(), instruction_sets=("avx",)),
        backend("torch", "2.13.0+cu130", devices=both, cuda="13.0", compute_capabilities=TORCH_CODES),
        backend("openvino", "2026.4.1"),
    ]
    change(data, "/python/packages/torch/version", "2.13.0+cu130")
    change(data, "/python/packages/torch/requires", ["nvidia-cudnn-cu13==9.19.0.56"])
    data["python"]["packages"] += [
        package("nvidia-cudnn-cu12", "9.19.0.56"),
        package("nvidia-cublas-cu12", "12.9.1.4"),
        package("nvidia-cudnn-cu13", "9.19.0.56"),
        package("jax-cuda12-plugin", "0.10.2"),
        package("jax-cuda12-pjrt", "0.10.2"),
    ]
    data["smoke"] = [smoke(name, on) for name in ("tensorflow", "jax", "torch") for on in both] + [smoke("openvino")]
    return data


def container() -> Data:
    """A container of Docker on a machine with a GPU that was handed in."""
    data = nvidia()
    data["platform"].update(container="docker", container_how="/.dockerenv")
    change(data, "/platform/filesystems/shared-memory/total_bytes", 8 * GIB)
    return data


def container_without_gpu() -> Data:
    """A container of Docker without GPU, with TensorFlow alone; its shared memory is Docker's own 64 MiB."""
    data = tensorflow_alone()
    data["platform"].update(container="docker", container_how="/.dockerenv")
    change(data, "/platform/filesystems/shared-memory/total_bytes", 64 * MIB)
    return data


def wsl() -> Data:
    """Ubuntu under WSL 2: the GPU is not on the bus, and the driver is that of Windows."""
    data = nvidia()
    data["platform"].update(wsl="2", release="5.15.167.4-microsoft-standard-WSL2")
    data["hardware"]["pci"] = [pci("5582:00:00.0", vendor_id="1414", kernel_driver="dxgkrnl")]
    driver_of_windows = data["driver"]["nvidia"]
    driver_of_windows.update(kernel_module_loaded=False, kernel_module_version=None, kernel_module_flavour=None)
    driver_of_windows["kernel"].update(modules_loaded=(), module_files=[], gpus=[], gsp_firmware=None, services=())
    driver_of_windows["libraries"] = [driver_library(f"{name}.so.1", "wsl") for name in ("libcuda", "libnvidia-ml")]
    data["driver"]["device_nodes"] = [device_node("dxg")]
    return data


def tensorflow_alone() -> Data:
    """Keras and TensorFlow on a machine without GPU."""
    data = cpu_only()
    _keep(data, "tensorflow")
    return data


def torch_alone() -> Data:
    """Keras and PyTorch, chosen by KERAS_BACKEND, on a machine without GPU."""
    data = cpu_only()
    _keep(data, "torch")
    data["keras"].update(backend="torch", backend_chosen_by="KERAS_BACKEND")
    change(data, "/keras/backend_sources/KERAS_BACKEND/value", "torch")
    return data


def _keep(data: Data, name: str) -> None:
    """Take every framework but one away."""
    data["backends"] = [found if found["name"] == name else absent(found["name"]) for found in data["backends"]]
    data["smoke"] = [run for run in data["smoke"] if run["backend"] == name]
    gone = {"tensorflow", "jax", "jaxlib", "torch", "openvino"} - {name}
    data["python"]["packages"] = [found for found in data["python"]["packages"] if found["name"] not in gone]


def legacy() -> Data:
    """Python 3.6 with TensorFlow 1.15, Keras 2.3 and h5py 2: old, and in order."""
    data = tensorflow_alone()
    data["backends"][0] = backend("tensorflow", "1.15.5", numpy_abi=("1",), instruction_sets=("avx",))
    data["python"].update(version="3.6.15")
    data["python"]["markers"].update(python_version="3.6", python_full_version="3.6.15")
    tags = ("cp36-cp36m-manylinux2010_x86_64",)
    data["python"]["packages"] = [
        package("pip", "21.3.1"),
        package("numpy", "1.18.5", wheel_tags=tags),
        package("h5py", "2.10.0", ("numpy>=1.7",), wheel_tags=tags),
        package("keras", "2.3.1", ("numpy>=1.9.1", "h5py"), requested=True),
        package("tensorflow", "1.15.5", ("numpy<1.19,>=1.16.0", "h5py<=2.10.0"), requested=True, wheel_tags=tags),
    ]
    data["keras"].update(version="2.3.1", metadata_version="2.3.1", flavour="keras-2-multi-backend")
    data["keras"]["backends_available"] = ("cntk", "tensorflow", "theano")
    reason = "the smoke test needs Keras 3, and Keras 2.3.1 is installed"
    data["smoke"] = [smoke("tensorflow") | {"status": "skipped", "reason": reason, "stages": []}]
    return data


def conda() -> Data:
    """A conda environment with PyTorch from conda-forge."""
    data = torch_alone()
    data["python"].update(
        environment="conda",
        installer="conda",
        prefix="/home/ana/miniforge3/envs/dl",
        executable="/home/ana/miniforge3/envs/dl/bin/python",
        user_site_enabled=True,
    )
    for found in data["python"]["packages"]:
        found["installer"] = "conda"
    return data


def apple() -> Data:
    """A Mac with an Apple processor, Keras and PyTorch."""
    data = torch_alone()
    data["platform"].update(
        system="Darwin", release="25.1.0", machine="arm64", os_id=None, os_version="26.1", os_name="macOS 26.1",
        libc_name=None, libc_version=None,
    )  # fmt: skip
    data["hardware"]["cpu"].update(vendor="Apple", model="Apple M3", architecture="arm64", instruction_sets=("neon",))
    data["python"].update(machine="arm64")
    data["backends"] = [
        backend("torch", found["version"], devices=("cpu", "mps:0")) if found["name"] == "torch" else found
        for found in data["backends"]
    ]
    data["smoke"].append(smoke("torch", "mps:0"))
    data["python"]["markers"].update(platform_machine="arm64", platform_system="Darwin", sys_platform="darwin")
    for found in data["python"]["packages"]:
        if found["wheel_tags"] != ("py3-none-any",):
            found["wheel_tags"] = ("cp311-cp311-macosx_11_0_arm64",)
    data["platform"]["filesystems"] = data["platform"]["filesystems"][:3]
    return data


MACHINES: dict[str, Callable[[], Data]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        cpu_only, nvidia, container, container_without_gpu, wsl, tensorflow_alone, torch_alone, legacy, conda, apple,
    )
}  # fmt: skip


# --- changes --------------------------------------------------------------------------------------

NEW_ITEMS: dict[str, Callable[[str], Data]] = {
    "/platform/environment": variable,
    "/platform/filesystems": file_system,
    "/platform/tool/probe_failures": lambda name: record(model.ProbeFailure, name=name, error=""),
    "/hardware/pci": pci,
    "/driver/nvidia/gpus": lambda name: gpu(1, name),
    "/driver/nvidia/cuda/devices": lambda name: cuda_device(1, name),
    "/driver/nvidia/kernel/module_files": module_file,
    "/driver/nvidia/libraries": driver_library,
    "/driver/device_nodes": device_node,
    "/driver/kernel_log/volatile/messages": kernel_message,
    "/python/packages": package,
    "/python/shadows": shadow,
    "/backends": backend,
    "/notebook/kernels": kernel,
    "/smoke": lambda name: smoke(*name.split("@")),
    "/pairs": lambda name: company(*name.split("@")),
    "/driver/libraries": lambda name: library(*name.split("@")),
}
"""How a list grows when a change names an item that it does not have."""


def place_of(data: Any, pointer: str) -> tuple[Any, str | int]:
    """Return the table or list that holds what ``pointer`` names, and its key there.

    A pointer is a JSON pointer whose lists may be entered by the name of an item: ``/python/packages/numpy/version``,
    ``/backends/torch/installed``, ``/platform/filesystems/target``, ``/smoke/torch@gpu:0/status``,
    ``/smoke/jax@cpu/stages/conv``. An item that is not there is made, as a healthy one.
    """
    parent, key, path = None, "", ""
    for token in pointer.split("/")[1:]:
        if parent is not None:
            data = data[key]
        if isinstance(data, tuple):
            data = parent[key] = list(data)
        parent, key = data, (_index(data, token, path) if isinstance(data, list) else token)
        path += f"/{token}"
    return parent, key


def _index(items: list[Any], token: str, path: str) -> int:
    if token.isdecimal():
        return int(token)
    for index, item in enumerate(items):
        if token in _names(item):
            return index
    items.append(NEW_ITEMS[path](token))
    return len(items) - 1


NAMING_KEYS = ("name", "purpose", "source", "address", "module", "backend", "kind", "kernel")


def _names(item: Any) -> set[str]:
    if not isinstance(item, dict):
        return {str(item)}
    if "first" in item and "second" in item:
        return {f"{item['first']}@{item['second']}"}
    if "soname" in item and "framework" in item:
        return {f"{item['framework']}@{item['soname']}"}
    names = {str(item[key]) for key in NAMING_KEYS if key in item}
    if isinstance(item.get("path"), str):
        names.add(item["path"].rpartition("/")[2])
    if item.get("kind") == "xid":
        names.add(f"xid-{item['code']}")
    return {f"{item['backend']}@{item['device']}"} if "device" in item and "backend" in item else names


def change(data: Data, pointer: str, value: Any) -> None:
    """Set what ``pointer`` names."""
    parent, key = place_of(data, pointer)
    parent[key] = copy.deepcopy(value)


def remove(data: Data, pointer: str) -> None:
    """Take away the item of a list that ``pointer`` names."""
    parent, key = place_of(data, pointer)
    del parent[key]


def numbered(data: Data, pointer: str) -> str:
    """Return the JSON pointer of what a pointer with names means."""
    result, here = "", ""
    for token in pointer.split("/")[1:]:
        here += f"/{token}"
        result += f"/{place_of(data, here)[1]}"
    return result


def facts(data: Data) -> Facts:
    return msgspec.convert(data, Facts)
