"""The kernel's side of NVIDIA's driver."""

from pathlib import Path

from simulated.trees import Entry, Folder, Link, linux, pci_device, simulated_host

from envcheck.model.facts import DkmsModule, ModprobeLine, NvidiaKernel
from envcheck.model.unknown import Unknown
from envcheck.probes import nvidia_kernel

RELEASE = "6.1.0-18-amd64"
PROPRIETARY_MODULE = b"\x7fELF..\0license=NVIDIA\0version=550.54.14\0.."
OPEN_MODULE = b"\x7fELF..\0license=Dual MIT/GPL\0version=570.124.06\0.."


def probe(root: Path, *trees: dict[str, Entry], programs: Path | None = None) -> NvidiaKernel:
    path = f"{programs}:/usr/bin:/bin" if programs else "/nonexistent"
    return nvidia_kernel.probe(simulated_host(root, linux(RELEASE), *trees, environ={"PATH": path}))


def test_a_healthy_machine_with_dkms(tmp_path: Path) -> None:
    built = f"/var/lib/dkms/nvidia/550.54.14/{RELEASE}/x86_64"
    facts = probe(
        tmp_path,
        {
            "/proc/modules": "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 nvidia_uvm, Live 0x0\next4 1 0 - Live 0x0\n",
            "/sys/module/nvidia/version": "550.54.14\n",
            "/sys/module/nvidia_uvm/parameters/uvm_disable_hmm": "N\n",
            f"/lib/modules/{RELEASE}/updates/dkms/nvidia.ko": PROPRIETARY_MODULE,
            f"/lib/modules/{RELEASE}/updates/dkms/nvidia-uvm.ko": PROPRIETARY_MODULE,
            f"/lib/modules/{RELEASE}/build/Makefile": "",
            f"{built}/module/nvidia.ko": "",
            f"/var/lib/dkms/nvidia/kernel-{RELEASE}-x86_64": Link(f"550.54.14/{RELEASE}/x86_64"),
            "/lib/firmware/nvidia/550.54.14/gsp_ga10x.bin": "",
            "/proc/driver/nvidia/gpus/0000:01:00.0/information": (
                "Model: \t\t NVIDIA GeForce RTX 3090\nDevice Minor: \t 0\nGPU Excluded:\t No\n"
            ),
            "/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet iommu=pt\n",
            "/etc/modprobe.d/blacklist-nouveau.conf": "# no nouveau\nblacklist nouveau\noptions nouveau modeset=0\n",
            "/proc/812/comm": "nvidia-persiste\n",
            "/proc/813/comm": "bash\n",
        },
    )
    assert facts.modules_loaded == ("nvidia", "nvidia_uvm")
    assert isinstance(facts.module_files, tuple)
    (file,) = facts.module_files
    assert (file.kernel, file.version, file.flavour) == (RELEASE, "550.54.14", "proprietary")
    assert facts.kernel_headers is True
    assert facts.dkms == (
        DkmsModule(name="nvidia", version="550.54.14", kernel=RELEASE, state="installed", error=None),
    )
    path = "/etc/modprobe.d/blacklist-nouveau.conf"
    assert facts.modprobe == (
        ModprobeLine(path=path, line="blacklist nouveau"),
        ModprobeLine(path=path, line="options nouveau modeset=0"),
    )
    assert facts.command_line == ("iommu=pt",)
    assert (facts.uvm_disable_hmm, facts.gsp_firmware) == (False, True)
    assert isinstance(facts.gpus, tuple)
    (gpu,) = facts.gpus
    assert (gpu.pci_address, gpu.model, gpu.device_minor) == ("0000:01:00.0", "NVIDIA GeForce RTX 3090", 0)
    assert facts.services == ("nvidia-persistenced",)
    assert (facts.nvswitches, facts.fabric_manager_version) == (0, None)


def test_a_kernel_update_without_a_module_for_it(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/lib/modules/6.1.0-17-amd64/updates/dkms/nvidia-current.ko": OPEN_MODULE,
            f"/lib/modules/{RELEASE}/kernel": Folder,
            "/var/lib/dkms/nvidia-current/570.124.06/6.1.0-17-amd64/x86_64/module": Folder,
            "/var/lib/dkms/nvidia-current/570.124.06/build/make.log": (
                f"DKMS make.log for nvidia-current-570.124.06 for kernel {RELEASE} (x86_64)\nTue Nov 17\n"
                "make: Entering directory\n  CC nv.o\nnv.c:12:3: error: implicit declaration of function 'foo'\n"
            ),
        },
    )
    assert isinstance(facts.module_files, tuple)
    assert [(file.kernel, file.version, file.flavour) for file in facts.module_files] == [
        ("6.1.0-17-amd64", "570.124.06", "open")
    ]
    assert facts.kernel_headers is False
    assert isinstance(facts.dkms, tuple)
    assert [(module.kernel, module.state) for module in facts.dkms] == [
        ("6.1.0-17-amd64", "built"),
        (RELEASE, "failed"),
    ]
    assert facts.dkms[1].error == "nv.c:12:3: error: implicit declaration of function 'foo'"


def test_dkms_that_never_built(tmp_path: Path) -> None:
    facts = probe(tmp_path, {"/var/lib/dkms/nvidia/550.54.14/source": Link("/usr/src/nvidia-550.54.14")})
    assert facts.dkms == (DkmsModule(name="nvidia", version="550.54.14", kernel=None, state="added", error=None),)


def test_modinfo_reads_compressed_modules(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "modinfo").write_text(
        "#!/bin/sh\nprintf 'filename:       %s\\nversion:        570.124.06\\nlicense:        Dual MIT/GPL\\n"
        'signer:         my own key\\n\' "$1"\n'
    )
    (programs / "modinfo").chmod(0o755)
    tree: dict[str, Entry] = {f"/lib/modules/{RELEASE}/kernel/nvidia-570-open/nvidia.ko.zst": b"\x28\xb5\x2f\xfd"}
    with_it = probe(tmp_path / "with", tree, programs=programs)
    assert isinstance(with_it.module_files, tuple)
    (file,) = with_it.module_files
    assert (file.version, file.flavour, file.signer) == ("570.124.06", "open", "my own key")
    without = probe(tmp_path / "without", tree)
    assert isinstance(without.module_files, tuple)
    assert isinstance(without.module_files[0].version, Unknown)


def test_nothing_of_nvidia(tmp_path: Path) -> None:
    facts = probe(tmp_path, {f"/lib/modules/{RELEASE}/kernel/drivers/video": Folder, "/proc/cmdline": "quiet\n"})
    assert (facts.modules_loaded, facts.module_files, facts.dkms, facts.modprobe) == ((), (), (), ())
    assert (facts.gpus, facts.services, facts.gsp_firmware, facts.uvm_disable_hmm) == ((), (), None, None)


def test_an_earlier_file_hides_a_later_one_of_equal_name(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/etc/modprobe.d/nvidia.conf": "",
            "/usr/lib/modprobe.d/nvidia.conf": "blacklist nvidia\n",
            "/lib/modprobe.d/blacklist-nvidia.conf": "alias nvidia off\nblacklist nvidia-drm\nblacklist pcspkr\n",
        },
    )
    assert isinstance(facts.modprobe, tuple)
    assert [line.line for line in facts.modprobe] == ["alias nvidia off", "blacklist nvidia-drm"]


def test_nvswitches_and_their_manager(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nv-fabricmanager").write_text("#!/bin/sh\necho 'Fabric Manager version is : 550.54.14'\n")
    (programs / "nv-fabricmanager").chmod(0o755)
    facts = probe(
        tmp_path / "root",
        pci_device("0000:05:00.0", "10de", "22a3", "068000"),
        pci_device("0000:06:00.0", "10de", "22a3", "068000"),
        pci_device("0000:07:00.0", "8086", "1234", "068000"),
        {"/proc/77/comm": "nv-fabricmanage\n"},
        programs=programs,
    )
    assert (facts.nvswitches, facts.fabric_manager_version) == (2, "550.54.14")
    assert facts.services == ("nv-fabricmanager",)


def test_vfio_on_the_command_line(tmp_path: Path) -> None:
    facts = probe(
        tmp_path, {"/proc/cmdline": "ro vfio-pci.ids=10de:2684 modprobe.blacklist=nouveau splash nomodeset\n"}
    )
    assert facts.command_line == ("vfio-pci.ids=10de:2684", "modprobe.blacklist=nouveau", "nomodeset")


def test_a_jetson(tmp_path: Path) -> None:
    facts = probe(
        tmp_path, {"/etc/nv_tegra_release": "# R36 (release), REVISION: 3.0, GCID: 36191598, BOARD: generic\n"}
    )
    assert facts.jetson_linux == "36.3.0"


def test_without_proc(tmp_path: Path) -> None:
    host = simulated_host(tmp_path, {"/etc": Folder}, environ={"PATH": "/nonexistent"})
    facts = nvidia_kernel.probe(host)
    assert isinstance(facts.modules_loaded, Unknown)
    assert isinstance(facts.services, Unknown)
    assert isinstance(facts.command_line, Unknown)
