"""``envcheck explain``, the library call and the exception hook, as real processes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from judging import machines

import envcheck
from envcheck.explanation import Log, Machine, explain_logs, explain_text
from envcheck.model.report import Evidence, Finding, Fix, RuleOutcome

FAULT = "RuntimeError: Error 802: system not yet initialized"
CAUSE = "fabric-manager-not-running"


def run(*arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "envcheck", "explain", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80", **environment},
        check=False,
    )


# --- the library ------------------------------------------------------------------------------


def test_library_call() -> None:
    findings = envcheck.explain(f"one\n{FAULT}\n")
    assert findings[0].id == CAUSE
    assert findings[0].severity == "error"
    assert findings[0].evidence == (Evidence(fact="log:2", value=FAULT),)
    assert findings[0].fixes[0].commands


def test_nothing_known() -> None:
    assert explain_text("all is well\n").findings == ()
    assert explain_text("").findings == ()


def test_harmless_is_a_note() -> None:
    (finding,) = explain_text("I oneDNN custom operations are on. You may see slightly different results").findings
    assert finding.severity == "info"


def test_what_is_not_certain_says_so() -> None:
    certain = explain_text(FAULT).findings[0]
    probable = explain_text("libcudart.so.11.0: cannot open shared object file").findings[0]
    assert "probable" not in certain.message
    assert "probable" in probable.message


def test_lines_of_several_logs_carry_their_name() -> None:
    logs = [Log("a.log", [b"fine\nno end"]), Log("b.log", [b"fine\n" + FAULT.encode() + b"\n"])]
    finding = explain_logs(logs).explanation.findings[0]
    assert finding.evidence[0].fact == "log:b.log:2"


def test_links_lead_to_findings_that_are_there() -> None:
    text = (
        "could not insert 'nvidia': Key was rejected by service\n"
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver"
    )
    findings = explain_text(text).findings
    ids = {finding.id for finding in findings}
    assert findings[0].id == "secure-boot-rejects-nvidia-module"
    assert {finding.explained_by for finding in findings} - {None} <= ids


# --- the machine ------------------------------------------------------------------------------


def machine(*, found: str | None, passed: str | None) -> Machine:
    fix = Fix(title="Exact", commands=("exact command",), needs_root=False, restart="none", risk="safe", source="")
    finding = Finding(
        id=found or "-",
        severity="error",
        layer="driver",
        subject=None,
        title="On the machine",
        message="On the machine.",
        evidence=(Evidence(fact="/driver/nvidia/version", value="550.54"),),
        explained_by=None,
        fixes=(fix,),
    )
    outcomes = (RuleOutcome(id=passed, status="pass", detail=""),) if passed else ()
    return Machine((finding,) if found else (), outcomes)


def test_a_snapshot_confirms() -> None:
    log = Log("", [FAULT.encode()])
    finding = explain_logs([log], machine(found=CAUSE, passed=None)).explanation.findings[0]
    assert [evidence.fact for evidence in finding.evidence] == ["log:1", "/driver/nvidia/version"]
    assert finding.fixes[0].commands == ("exact command",)
    assert "shows the same fault" in finding.message


def test_a_snapshot_refutes_and_ranks_lower() -> None:
    log = Log("", [b"libcuda.so.1: cannot open shared object file\n"])
    before = [finding.id for finding in explain_logs([log]).explanation.findings]
    after = explain_logs([log], machine(found=None, passed=before[0])).explanation.findings
    assert len(before) > 1
    assert after[-1].id == before[0]
    assert "does not show this fault" in after[-1].message


def test_a_snapshot_that_says_nothing_changes_nothing() -> None:
    log = Log("", [FAULT.encode()])
    assert explain_logs([log], machine(found=None, passed=None)) == explain_logs([log])


# --- releases that are computed -----------------------------------------------------------------


def commands_for(text: str, id: str) -> list[tuple[str, ...]]:
    finding = next(finding for finding in explain_text(text).findings if finding.id == id)
    return [fix.commands for fix in finding.fixes]


NUMPY_2 = """tensorflow==2.10.0
A module that was compiled using NumPy 1.x cannot be run in
NumPy 2.0.0 as it may crash.
AttributeError: _ARRAY_API not found
"""


def test_an_old_tensorflow_with_numpy_2_gets_the_pins_that_go_together() -> None:
    first, second, *_ = commands_for(NUMPY_2, "numpy2-abi-mismatch")
    assert first == ("python3 -m pip install tensorflow==2.10.0 numpy==1.26.4",)
    assert "tensorflow==2.21.0" in second[0]


def test_a_log_that_names_no_python_says_which_one_was_assumed() -> None:
    fix = explain_text(NUMPY_2).findings[0].fixes[0]
    assert fix.notes[0] == "Computed for Python 3.10 on Linux, of which the log says nothing else"
    told = explain_text("Python 3.9.18\n" + NUMPY_2).findings[0].fixes[0]
    assert told.notes == ()


def test_an_old_driver_gets_the_newest_build_for_it() -> None:
    text = (
        "NVIDIA-SMI 470.256.02   Driver Version: 470.256.02   CUDA Version: 11.4\n"
        "torch 2.5.1\n"
        "RuntimeError: CUDA error: CUDA driver version is insufficient for CUDA runtime version\n"
    )
    finding = next(finding for finding in explain_text(text).findings if finding.id == "nvidia-driver-too-old")
    fix = finding.fixes[0]
    assert fix.title == "Take the newest PyTorch that the driver 470.256.02 can run"
    assert "+cu118 --index-url https://download.pytorch.org/whl/cu118" in fix.commands[0]
    assert any("525.60.13" in note for note in fix.notes)


def test_an_old_gpu_gets_the_newest_build_with_code_for_it() -> None:
    text = (
        "NVIDIA GeForce GTX 1080 Ti with CUDA capability sm_61 is not compatible with the current PyTorch "
        "installation.\nThe current PyTorch install supports CUDA capabilities sm_75 sm_80 sm_86 sm_90 sm_120.\n"
    )
    first = commands_for(text, "gpu-older-than-framework-build")[0]
    assert "+cu126 --index-url https://download.pytorch.org/whl/cu126" in first[0]


def test_a_python_without_packages_gets_one_with_them() -> None:
    text = (
        "Python 3.14.0\n"
        "ERROR: Could not find a version that satisfies the requirement tensorflow (from versions: none)\n"
        "ERROR: No matching distribution found for tensorflow\n"
    )
    first = commands_for(text, "python-version-unsupported")[0]
    assert first[0] == "uv venv --allow-existing -p 3.13 ~/envs/envcheck-3.13"
    assert first[1].endswith(" tensorflow==2.21.0")


def test_the_snapshot_tells_before_the_log_does() -> None:
    data = machines.MACHINES["cpu-only"]()
    machines.change(data, "/python/packages/torch/version", "2.2.2")
    log = Log("", [b"torch==2.1.0\nA module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.0.0\n"])
    explained = explain_logs([log], Machine((), (), machines.facts(data))).explanation
    fix = next(finding for finding in explained.findings if finding.id == "numpy2-abi-mismatch").fixes[0]
    assert fix.title == "Keep PyTorch 2.2.2, with the releases that go with it"
    assert fix.commands[-1].startswith("~/env/bin/python -m pip install")
    assert "numpy==1.26.4" in fix.commands[-1]
    assert "torch==2.1.0" not in fix.commands[-1]
    assert not any("Computed for" in note for note in fix.notes)


def test_a_plug_in_of_jax_is_put_beside_the_release_that_the_log_names() -> None:
    text = (
        "jax: 0.4.35\nAttributeError: module 'jaxlib.xla_client' has no attribute 'register_custom_type_id_handler'\n"
    )
    first = commands_for(text, "jax-cuda-plugin-version-mismatch")[0]
    assert first == ("python3 -m pip install --force-reinstall 'jax[cuda12]==0.4.35'",)


def test_an_old_card_gets_the_branch_that_the_driver_names() -> None:
    text = "NVRM: The NVIDIA GPU is\nNVRM:  supported through the NVIDIA 470.xx Legacy drivers. Please\n"
    assert commands_for(text, "nvidia-driver-dropped-gpu")[0][0] == "sudo apt install nvidia-driver-470"
    unnamed = (
        "NVRM: will ignore this GPU.  Continuing probe...\nNVRM: GPU is supported through Legacy drivers. Please\n"
    )
    assert commands_for(unnamed, "nvidia-driver-dropped-gpu")[0][0] == "sudo apt install nvidia-driver-580"


def test_commands_are_those_of_the_shell_that_the_log_comes_from() -> None:
    clash = "OMP: Error #15: Initializing libiomp5, but found libiomp5 already initialized.\n"
    linux = [command for fix in commands_for(clash, "openmp-runtime-duplicate") for command in fix]
    windows = [command for fix in commands_for("C:\\ml>" + clash, "openmp-runtime-duplicate") for command in fix]
    assert "export KMP_DUPLICATE_LIB_OK=TRUE" in linux
    assert "$env:KMP_DUPLICATE_LIB_OK = 'TRUE'" in windows
    assert not any(command.startswith(("export", "sudo", "unset")) for command in windows)
    below_wsl = commands_for("/mnt/c/ml: C:\\ml\n" + clash, "openmp-runtime-duplicate")
    assert ("export KMP_DUPLICATE_LIB_OK=TRUE",) in below_wsl


def test_where_windows_can_run_no_command_the_steps_stay() -> None:
    text = "C:\\run> python fit.py\nINTERNAL: libdevice not found at ./libdevice.10.bc\n"
    finding = explain_text(text).findings[0]
    assert finding.id == "libdevice-not-found"
    assert finding.fixes
    assert not any(fix.commands for fix in finding.fixes)


def test_steps_for_conda_come_first_where_the_log_is_of_conda() -> None:
    text = "/home/u/miniconda3/envs/tf/bin/python fit.py\nINTERNAL: libdevice not found at ./libdevice.10.bc\n"
    assert explain_text(text).findings[0].fixes[0].title == "Conda"


def test_the_python_of_a_folder_on_windows_is_read_and_a_lone_major_is_not() -> None:
    text = 'File "C:\\Python310\\lib\\site-packages\\tensorflow\\__init__.py"\n' + NUMPY_2
    fix = next(fix for fix in explain_text(text).findings[0].fixes if fix.changes)
    assert fix.commands == ("py -m pip install tensorflow==2.10.0 numpy==1.26.4",)
    vague = explain_text(NUMPY_2.replace("2.10.0", "2")).findings[0].fixes
    assert not any(fix.notes and fix.notes[0].startswith("Computed") for fix in vague)


def test_contradicting_versions_are_no_versions() -> None:
    text = "tensorflow==2.10.0\ntensorflow==2.15.0\nAttributeError: _ARRAY_API not found\n" + NUMPY_2[20:]
    first = commands_for(text, "numpy2-abi-mismatch")[0]
    assert "tensorflow==2.10.0" not in first[0]


# --- the command ------------------------------------------------------------------------------


def test_a_log_on_standard_input() -> None:
    done = run("--format", "json", stdin=FAULT)
    document = json.loads(done.stdout)
    assert document["schema"] == "envcheck.explanation/1"
    assert document["findings"][0]["id"] == CAUSE
    assert (done.returncode, done.stderr) == (0, "")


def test_files_output_and_status(tmp_path: Path) -> None:
    log, second, output = tmp_path / "a.log", tmp_path / "b.log", tmp_path / "out.md"
    log.write_text(FAULT)
    second.write_text("fine\n")
    done = run("--format", "markdown", "-o", str(output), "--fail-on", "error", str(log), str(second))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "fabric manager" in output.read_text()


def test_text_names_the_cause_and_the_fix() -> None:
    done = run("-", stdin=FAULT)
    assert CAUSE in done.stdout
    assert "systemctl enable --now nvidia-fabricmanager" in done.stdout


def test_unknown_text_shows_what_looks_like_an_error() -> None:
    done = run("-", stdin="fine\nfrobnication failed: no such gizmo\n")
    assert done.returncode == 0
    assert "frobnication failed" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("no-such-file",), ("--format", "xml"), ("a.log", "--", "true"), ("--",), ("--snapshot", "no-such-file", "-")],
)
def test_wrong_calls(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_names_are_hidden_unless_told_otherwise() -> None:
    line = f"File '/home/jane.doe/train.py': {FAULT}"
    assert "jane.doe" not in run("--format", "json", stdin=line, HOME="/home/jane.doe", USER="jane.doe").stdout
    assert "jane.doe" in run("--format", "json", "--no-redact", stdin=line, HOME="/home/jane.doe").stdout


# --- a command that is run --------------------------------------------------------------------


def python(code: str) -> tuple[str, ...]:
    return "--", sys.executable, "-c", code


def test_output_and_status_of_a_command_pass_through() -> None:
    code = f"import sys; print('to stdout'); print({FAULT!r}, file=sys.stderr); sys.exit(7)"
    done = run(*python(code))
    assert done.returncode == 7
    assert done.stdout == "to stdout\n"
    assert done.stderr.startswith(FAULT + "\n")
    assert CAUSE in done.stderr


def test_a_command_that_succeeds_is_not_explained() -> None:
    done = run(*python(f"print({FAULT!r})"))
    assert (done.returncode, done.stdout, done.stderr) == (0, FAULT + "\n", "")


def test_a_command_killed_by_a_signal() -> None:
    assert run(*python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")).returncode == 137


def test_a_command_that_is_not_there() -> None:
    done = run("--", "no-such-command-at-all")
    assert done.returncode == 127
    assert "no-such-command-at-all" in done.stderr


def test_bytes_pass_through_unchanged() -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 999); sys.stdin.read()"
    done = subprocess.run(
        [sys.executable, "-m", "envcheck", "explain", *python(code)], capture_output=True, input=b"", check=True
    )
    assert done.stdout == bytes(range(256)) * 999


def test_standard_input_reaches_the_command() -> None:
    done = run(*python("print(input()[::-1])"), stdin="abc\n")
    assert done.stdout == "cba\n"


def started(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "envcheck", "explain", *python(code)], stdout=subprocess.PIPE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
def test_a_signal_that_would_end_envcheck_reaches_the_command() -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(9)); print('ready', flush=True)"
    with started(code + "; time.sleep(60)") as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(30) == 9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot tell whether a pipe holds more")
def test_a_slow_reader_gets_all_that_the_command_said() -> None:
    with started("import sys; sys.stdout.write('x' * 150_000)") as process:
        time.sleep(3)  # longer than a grandchild may be silent
        assert process.stdout is not None and len(process.stdout.read()) == 150_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_a_command_sees_a_terminal_where_there_is_one() -> None:
    import pty

    command = [sys.executable, "-m", "envcheck", "explain", *python("import sys; print(sys.stdout.isatty())")]
    own_end, child_end = pty.openpty()
    process = subprocess.Popen(command, stdout=child_end, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    os.close(child_end)
    seen = b""
    while True:
        try:
            chunk = os.read(own_end, 1000)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(own_end)
    assert process.wait() == 0
    assert seen == b"True\r\n"
    assert process.stderr is not None
    process.stderr.close()


# --- the hook ---------------------------------------------------------------------------------


def hooked(code: str) -> "subprocess.CompletedProcess[str]":
    whole = f"import envcheck\nenvcheck.install_excepthook()\nenvcheck.install_excepthook()\n{code}\n"
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)


def test_the_hook_explains_below_the_traceback() -> None:
    done = hooked(f"raise RuntimeError({FAULT!r})")
    assert done.returncode == 1
    assert done.stderr.index("Traceback") < done.stderr.index(CAUSE)
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.count(f"[{CAUSE}]") == 1


def test_the_hook_is_silent_on_the_users_own_errors() -> None:
    done = hooked("{}['key']")
    assert done.stderr.endswith("KeyError: 'key'\n")


def test_the_hook_in_ipython() -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    code = f"import envcheck; envcheck.install_excepthook(); raise RuntimeError({FAULT!r})"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code], capture_output=True, text=True, check=False
    )
    assert "RuntimeError" in done.stdout + done.stderr
    assert CAUSE in done.stdout + done.stderr
