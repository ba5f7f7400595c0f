"""Commands in the words of each operating system: the driver of a distribution, and PowerShell on Windows.

PowerShell itself is not at hand where these tests run; what it reads is told by its published rules
(about_Quoting_Rules, about_Parsing, about_Operators), which are written down here a second time.
"""

import re
import subprocess
from typing import Any

import pytest
from judging import machines
from render import report_samples as samples

from envcheck.fixes import environments, files, nvidia, packages, shell
from envcheck.model.facts import Facts
from envcheck.model.report import Finding, Fix
from envcheck.render import scripts
from envcheck.words import template

TITLE = template("Do it")
SOURCE = "https://x"


def facts_of(machine: str = "cpu-only", /, **changes: Any) -> Facts:
    data = machines.MACHINES[machine]()
    for name, value in changes.items():
        machines.change(data, "/" + name.replace("__", "/"), value)
    return machines.facts(data)


# --- the driver ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "version", "command"),
    [
        ("ubuntu", "24.04", "sudo ubuntu-drivers install"),
        ("debian", "12", "sudo apt install -y nvidia-driver firmware-misc-nonfree"),
        ("fedora", "44", "sudo dnf install -y akmod-nvidia xorg-x11-drv-nvidia-cuda"),
        ("arch", None, "sudo pacman -S --needed nvidia-open nvidia-utils"),
        ("rhel", "9.6", "sudo dnf module enable -y nvidia-driver:open-dkms"),
        ("rocky", "8.10", "sudo dnf install -y nvidia-open"),
        ("almalinux", "10.0", "sudo dnf install -y nvidia-open"),
        ("amzn", "2023", "sudo dnf install -y nvidia-driver-cuda"),
        ("sles", "15.7", "sudo zypper install -y nvidia-open"),
        ("opensuse-leap", "15.6", "sudo zypper install -y nvidia-open"),
    ],
)
def test_the_driver_of_a_distribution(system: str, version: str | None, command: str) -> None:
    fix = nvidia.install_driver(facts_of(platform__os_id=system, platform__os_version=version))
    assert command in fix.commands
    assert fix.commands[-1] == "sudo reboot"
    assert (fix.needs_root, fix.restart, fix.risk, fix.verify) == (True, "machine", "system", "nvidia-smi")
    assert fix.source.startswith("https://")
    for line in fix.commands:
        assert subprocess.run(["/bin/sh", "-n", "-c", line], check=False).returncode == 0


@pytest.mark.parametrize(
    ("machine", "folder"), [("x86_64", "rhel9/x86_64/cuda-rhel9.repo"), ("aarch64", "rhel9/sbsa/cuda-rhel9.repo")]
)
def test_the_source_of_packages_is_that_of_the_processor(machine: str, folder: str) -> None:
    fix = nvidia.install_driver(facts_of(platform__os_id="rhel", platform__os_version="9.6", platform__machine=machine))
    assert any(line.endswith(folder) for line in fix.commands)
    assert not any("module enable" in line for line in _driver("rhel", "10.1").commands)


def _driver(system: str, version: str, **more: Any) -> Fix:
    return nvidia.install_driver(facts_of(platform__os_id=system, platform__os_version=version, **more))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (facts_of("wsl"), "on Windows"),
        (facts_of("container"), "the machine that runs this container"),
        (facts_of(platform__os_id="gentoo"), "installation guide"),
        (facts_of(platform__os_id="nixos"), "installation guide"),
        (facts_of(platform__os_id="rhel", platform__os_version="7.9"), "installation guide"),
        (facts_of(platform__os_id="amzn", platform__os_version="2"), "installation guide"),
        (facts_of(platform__os_id="opensuse-leap", platform__os_version="16.0"), "installation guide"),
        (facts_of(platform__os_id="rhel", platform__os_version="9", platform__machine="ppc64le"), "installation guide"),
        (facts_of(platform__os_id="fedora", platform__os_variant="silverblue"), "whose own files are not changed"),
    ],
)
def test_elsewhere_it_is_a_manual_step(facts: Facts, words: str) -> None:
    fix = nvidia.install_driver(facts)
    assert fix.commands == ()
    assert words in fix.title


def test_an_older_gpu_gets_no_driver_that_has_only_the_open_module() -> None:
    data = machines.nvidia()
    data["platform"].update(os_id="rocky", os_version="9.6")
    for device in data["hardware"]["pci"]:
        if device["vendor_id"] == "10de":
            device["compute_capability"] = "6.1"
    assert nvidia.install_driver(machines.facts(data)).commands == ()
    data["platform"].update(os_id="ubuntu", os_version="24.04")
    assert nvidia.install_driver(machines.facts(data)).commands != ()


# --- PowerShell: words --------------------------------------------------------------------------------


def windows(**changes: Any) -> Facts:
    return facts_of(
        **{
            "platform__system": "Windows",
            "platform__os_id": "windows",
            "platform__home": "C:\\Users\\ana",
            "python__prefix": "C:\\Users\\ana\\my env",
            "python__executable": "C:\\Users\\ana\\my env\\Scripts\\python.exe",
            **changes,
        }
    )


SINGLE, DOUBLE = "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e'


def powershell_word(word: str) -> str:
    """Return the text that PowerShell reads in a word of the kinds that envcheck writes."""
    if word[0] in SINGLE:
        assert word[-1] in SINGLE and len(word) > 1
        inside = re.sub(f"([{SINGLE}])[{SINGLE}]", r"\1", word[1:-1])
        assert len(re.findall(f"[{SINGLE}]", word[1:-1])) % 2 == 0, "a quote that is not doubled ends the word"
        return inside
    if word[0] in DOUBLE:
        assert word[-1] in DOUBLE and len(word) > 1
        inside = word[1:-1].replace("$HOME", "\0", 1)
        assert not re.search(f"(?<!`)(?:``)*[${DOUBLE}]", inside), "something active is not escaped"
        return re.sub("`(.)", r"\1", inside).replace("\0", "C:\\Users\\ana")
    assert re.fullmatch(r"[A-Za-z0-9:._\\/-]+|\$HOME", word), "this has to be quoted"
    return word.replace("$HOME", "C:\\Users\\ana")


NAMES = (
    "plain", "my env", "it's", "50%", "$HOME", "a`b", "a;b", "a&b", "(x)", "{x}", "täglich", "#1", "@x", "a,b",
    "\u2018curly\u2019", "\u201cdouble\u201d", "-x", "%PATH%",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", ["C:\\Users\\ana", "D:\\data", "\\\\server\\share"])
def test_powershell_reads_back_a_path(folder: str, name: str) -> None:
    path = f"{folder}\\{name}\\python.exe"
    assert powershell_word(shell.path(windows(), path)) == path


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("C:\\Python312\\python.exe", "C:\\Python312\\python.exe"),
        ("C:\\Program Files\\Python\\python.exe", "& 'C:\\Program Files\\Python\\python.exe'"),
        ("C:\\Users\\ana\\env\\python.exe", '& "$HOME\\env\\python.exe"'),
        ("~\\env\\python.exe", '& "$HOME\\env\\python.exe"'),
    ],
)
def test_a_quoted_program_is_called(path: str, word: str) -> None:
    assert shell.program(windows(), path) == word


def test_words_mean_the_same_in_both_shells() -> None:
    assert shell.words("numpy<2", "torch", "tensorflow[and-cuda]", "a,b", "@x") == (
        "'numpy<2' torch 'tensorflow[and-cuda]' 'a,b' '@x'"
    )
    assert shell.words("print('GPU')") == "\"print('GPU')\""


# --- PowerShell: commands -----------------------------------------------------------------------------


def test_packages_on_windows() -> None:
    python = '& "$HOME\\my env\\Scripts\\python.exe"'
    fix = packages.change(windows(), TITLE, remove=("keras",), add=("numpy<2",))
    assert fix.commands == (f"{python} -m pip uninstall -y keras", f"{python} -m pip install 'numpy<2'")
    uv = packages.install(windows(python__installer="uv"), "numpy<2")
    assert uv == ("uv pip install -p \"$HOME\\my env\\Scripts\\python.exe\" 'numpy<2'",)


def test_an_environment_is_made_again_by_the_launcher() -> None:
    venv, uv = environments.remake(windows(python__version="3.12.4"))
    assert venv.commands[0] == 'py -3.12 -m venv --clear "$HOME\\my env"'
    assert venv.commands[1].startswith('& "$HOME\\my env\\Scripts\\python.exe" -m pip install ')
    assert uv.commands[0] == 'uv venv --clear -p 3.12 "$HOME\\my env"'


def test_files_and_variables_on_windows() -> None:
    facts = windows()
    aside = files.move_aside(facts, TITLE, "C:\\Users\\ana\\.keras\\keras.json", source=SOURCE)
    assert aside.commands == (
        'Move-Item -LiteralPath "$HOME\\.keras\\keras.json" -Destination "$HOME\\.keras\\keras.json.old"',
    )
    assert shell.remove(facts, "D:\\a b", "D:\\c") == "Remove-Item -Recurse -Force -LiteralPath 'D:\\a b', D:\\c"
    assert shell.unset(facts, "A", "B") == "Remove-Item Env:A, Env:B"
    assert shell.export(facts, "A", "it's") == "$env:A = 'it''s'"
    assert shell.with_variable(facts, "A", "1", "x") == "& { $env:A = '1'; x; Remove-Item Env:A }"
    assert files.in_shell(TITLE, shell.unset(facts, "A"), source=SOURCE).effect == "shell"
    assert files.in_shell(TITLE, shell.export(facts, "A", "1"), source=SOURCE).effect == "shell"


# --- PowerShell: the script ---------------------------------------------------------------------------


def script(*found: Finding, **changes: Any) -> list[str]:
    return scripts.script(samples.report(windows(**changes), found)).splitlines()


def step(name: str, *commands: str, **more: Any) -> Finding:
    return samples.finding(name, fixes=(samples.fix(f"Do {name}", *commands, **more),))


def test_it_stops_at_the_first_error() -> None:
    lines = script(step("a", "& 'C:\\a b\\python.exe' -m pip check"), step("b", "Move-Item -LiteralPath x y"))
    code = [line for line in lines if not line.startswith("#")]
    assert code[:4] == [
        "param([int]$First = 1)",
        "Set-StrictMode -Version 2",
        "$ErrorActionPreference = 'Stop'",
        "$global:LASTEXITCODE = 0",
    ]
    at = code.index("  & 'C:\\a b\\python.exe' -m pip check")
    assert code[at + 1] == "  if ($LASTEXITCODE) { Exit-Here }"
    assert code[4:6] == [
        "$Step = 1",
        "function Exit-Here { Write-Output ('Stopped in step {0}: a command ended with status {1}; nothing after it "
        "was done.' -f $Step, $LASTEXITCODE); exit $LASTEXITCODE }",
    ]
    assert code[code.index("if ($First -le 2) {") + 1] == "  $Step = 2"
    assert [line for line in code if line.startswith("if ($First")] == ["if ($First -le 1) {", "if ($First -le 2) {"]
    assert "\n".join(code).count("{") == "\n".join(code).count("}")


def test_a_restart_stops_it() -> None:
    lines = script(step("a", "x", restart="shell"), step("b", "y"))
    said = [line.strip() for line in lines if "go on with" in line]
    assert said == [
        "Write-Output 'Open a new shell, then go on with: powershell -ExecutionPolicy Bypass -File THIS-FILE 2'"
    ]
    assert lines[lines.index("  " + said[0]) + 1] == "  exit 0"


def test_what_is_moved_already_is_passed_over() -> None:
    lines = script(samples.finding("a", fixes=(files.move_aside(windows(), TITLE, "D:\\x", source=SOURCE),)))
    at = lines.index("  if (Test-Path -LiteralPath D:\\x) {")
    assert lines[at + 1] == "    Move-Item -LiteralPath D:\\x -Destination D:\\x.old"
    assert "  }" in lines[at:]


def test_no_title_can_run_anything() -> None:
    evil = "x'; Remove-Item C:\\ \u2019; iex y; \u2018 $(iex y) `\ncalc.exe\r\ncalc.exe"
    lines = script(samples.finding("a", title=evil, fixes=(samples.fix(evil, "true", source=evil),)))
    for line in lines:
        text = line.strip()
        if text.startswith("Write-Output "):
            powershell_word(text.removeprefix("Write-Output "))
        else:
            assert not text.startswith(("calc", "iex", "Remove-Item"))


def test_other_than_ascii_gets_a_mark() -> None:
    assert "\n".join(script(step("täglich", "x"))).startswith("\ufeff#")
    assert "\n".join(script(step("daily", "x"))).startswith("#")
