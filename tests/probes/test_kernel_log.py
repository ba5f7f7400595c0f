"""The kernel's log: where it is read, and what is recognised in it."""

import os
from pathlib import Path

import pytest
from simulated.trees import Entry, Folder, linux, simulated_host

from envcheck.host import READ_LIMIT_BYTES
from envcheck.model.facts import KernelLog, KernelMessage
from envcheck.model.unknown import Unknown
from envcheck.probes import kernel_log

OFF_BUS = "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, name=python3, GPU has fallen off the bus."


def probe(root: Path, tree: dict[str, Entry], environ: dict[str, str] | None = None) -> KernelLog:
    base = linux()
    base.pop("/var/log/dmesg", None)
    return kernel_log.probe(simulated_host(root, base, tree, environ=environ or {"PATH": "/nonexistent"}))


def only(log: KernelLog) -> KernelMessage:
    messages = log.volatile.messages
    assert isinstance(messages, tuple)
    (message,) = messages
    return message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/dev/kmsg", f"6,1,0,-;Linux version 6.1.0\n4,1234,5678901,-;{OFF_BUS}\n SUBSYSTEM=pci\n"),
        ("/var/log/dmesg", f"[    0.000000] kernel: Linux version 6.1.0\n[  885.242168] {OFF_BUS}\n"),
        ("/var/log/kern.log", f"Dec  2 11:49:53 worker4 kernel: [  885.242168] {OFF_BUS}\n"),
        ("/var/log/kern.log", f"2025-12-02T11:49:53.123456+00:00 worker4 kernel: {OFF_BUS}\n"),
    ],
)
def test_places_and_forms(tmp_path: Path, path: str, text: str) -> None:
    log = probe(tmp_path, {path: text})
    assert log.source == path
    message = only(log)
    assert (message.kind, message.code, message.meaning) == ("xid", 79, "GPU has fallen off the bus")
    assert (message.pci_address, message.process) == ("0000:3b:00.0", "python3")
    assert message.text == OFF_BUS


@pytest.mark.parametrize(
    ("text", "kind", "address", "code"),
    [
        ("NVRM: Xid (0000:3b:00): 31, Ch 00000010, engmask 00000101", "xid", "0000:3b:00.0", 31),
        ("NVRM: Xid (PCI:0000:01:00): 9999, what nobody has seen", "xid", "0000:01:00.0", 9999),
        ("nvidia-nvswitch3: SXid (PCI:0000:04:00.0): 22013, Non-fatal, Link 44 Minion", "sxid", "0000:04:00.0", 22013),
        ("NVRM: GPU 0000:0a:00.0: RmInitAdapter failed! (0x24:0x72:1568)", "rm-init-failed", "0000:0a:00.0", None),
        ("NVRM: API mismatch: the client has the version 550.144, but", "api-mismatch", None, None),
        ("NVRM: GPU at PCI:0000:41:00: GPU has fallen off the bus.", "gpu-off-bus", None, None),
        ("NVRM: No NVIDIA GPU found.", "no-supported-gpu", None, None),
        ("NVRM:  supported through the NVIDIA 470.xx Legacy drivers. Please", "legacy-driver-needed", None, None),
        ("nvidia 0000:01:00.0: Direct firmware load for nvidia/570.144/gsp_ga10x.bin failed with error -2",
         "firmware-missing", None, None),
        ("Loading of unsigned module is rejected", "module-rejected", None, None),
        ("kfd kfd: amdgpu: POLARIS10 not supported in kfd", "kfd-unsupported", None, None),
        ("amdgpu 0000:03:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1", "amdgpu-reset", "0000:03:00.0", None),
        ("pcieport 0000:00:01.0: AER: Corrected error received: 0000:01:00.0", "pcie-error", "0000:00:01.0", None),
        ("PM: suspend exit", "resumed", None, None),
    ],
)  # fmt: skip
def test_kinds(text: str, kind: str, address: str | None, code: int | None) -> None:
    (message,) = kernel_log.interpret(f"[  12.345678] {text}\n")
    assert (message.kind, message.code, message.text) == (kind, code, text)
    if kind != "gpu-off-bus":
        assert message.pci_address == address


@pytest.mark.parametrize(
    ("text", "kind", "process"),
    [
        ("Out of memory: Killed process 4242 (python3) total-vm:1kB", "oom-kill", "python3"),
        ("Memory cgroup out of memory: Killed process 7 (ray::train) total-vm:1kB", "oom-kill", "ray::train"),
        ("traps: python3.11[99] trap invalid opcode ip:7f sp:7f error:0 in libfoo.so[7f+1]", "illegal-instruction",
         "python3.11"),
        ("python3[4711]: segfault at 0 ip 00007f sp 00007f error 4 in libcudart.so.12[7f+1]", "segfault", "python3"),
        ("INFO: task nvidia-smi:812 blocked for more than 120 seconds.", "task-hung", "nvidia-smi"),
    ],
)  # fmt: skip
def test_programs_that_died(text: str, kind: str, process: str) -> None:
    (message,) = kernel_log.interpret(f"[  12.345678] {text}\n")
    assert (message.kind, message.process) == (kind, process)


def test_equal_messages_are_counted() -> None:
    first, second = kernel_log.interpret(
        "[ 1.0] NVRM: Xid (PCI:0000:01:00): 31, pid=1, name=a, x\n" * 3
        + "[ 2.0] NVRM: Xid (PCI:0000:02:00): 31, pid=1, name=b, x\n"
    )
    assert (first.count, first.process, second.count, second.process) == (3, "a", 1, "b")


def test_only_the_last_boot_counts() -> None:
    old = "Dec  1 box kernel: [    0.000000] Linux version 6.1.0\nDec  1 box kernel: [ 9.0] PM: suspend exit\n"
    new = (
        "Dec  2 box kernel: [    0.000000] Linux version 6.1.0\nDec  2 box kernel: [ 9.0] NVRM: No NVIDIA GPU found.\n"
    )
    assert [message.kind for message in kernel_log.interpret(old + new)] == ["no-supported-gpu"]


def test_of_a_long_log_the_end_counts(tmp_path: Path) -> None:
    days = "Dec  2 11:49:53 worker4 kernel: [  1.2] usb 1-1: reset high-speed USB device\n" * 70_000
    assert len(days) > READ_LIMIT_BYTES
    boot = "Dec  9 08:00:00 worker4 kernel: [    0.000000] Linux version 6.1.0\n"
    log = probe(tmp_path, {"/var/log/kern.log": f"{boot}[  885.242168] {OFF_BUS}\n{days}{boot}{days[:1000]}\n"})
    assert log.volatile.messages == ()


def test_ordinary_lines_say_nothing() -> None:
    text = (
        "[    3.1] nvidia: loading out-of-tree module taints kernel.\n"
        "[    3.2] NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  570.195.03  Release Build\n"
        "[    3.3] usb 1-1: new high-speed USB device number 2 using xhci_hcd\n"
    )
    assert kernel_log.interpret(text) == ()


def test_a_program_answers_where_no_file_does(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "dmesg").write_text(f"#!/bin/sh\necho '[    5.000000] {OFF_BUS}'\n")
    (programs / "dmesg").chmod(0o755)
    log = probe(tmp_path / "root", {}, {"PATH": f"{programs}:/usr/bin:/bin"})
    assert (log.source, only(log).code) == ("dmesg", 79)


def test_a_log_that_this_user_may_not_read(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "dmesg").write_text(
        "#!/bin/sh\necho 'dmesg: read kernel buffer failed: Operation not permitted' >&2\nexit 1\n"
    )
    (programs / "dmesg").chmod(0o755)
    log = probe(tmp_path / "root", {}, {"PATH": f"{programs}:/usr/bin:/bin"})
    denied = Unknown("denied", "dmesg: read kernel buffer failed: Operation not permitted")
    assert (log.source, log.volatile.messages) == (denied, denied)


def test_no_log_at_all(tmp_path: Path) -> None:
    log = probe(tmp_path, {"/var/log": Folder})
    assert log.source is None
    assert isinstance(log.volatile.messages, Unknown)


@pytest.mark.skipif(not os.access("/dev/kmsg", os.R_OK), reason="this user may not read the kernel's log")
def test_the_real_device_ends() -> None:
    from envcheck.host import Host

    text = Host.current().read_text("/dev/kmsg")
    if isinstance(text, Unknown):
        pytest.skip(f"the kernel does not give its log here: {text.detail}")
    assert text
