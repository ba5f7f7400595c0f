"""What rules suggest on Windows can be typed there: no command of another system gets into a report."""

import msgspec
import pytest
from judging import cases, machines
from render import report_samples as samples

from envcheck.fixes import windows
from envcheck.model.facts import Facts
from envcheck.rules.engine import all_rules, judge

HOME = "C:\\Users\\Jörg M"
PYTHON = f"{HOME}\\my env\\Scripts\\python.exe"
PROGRAMS = (
    "conda", "envcheck", "jupyter", "nvidia-smi", "pip", "py", "uv", "winget",
    "Get-ItemProperty", "Move-Item", "Remove-Item", "Restart-Computer", "Set-ItemProperty",
)  # fmt: skip
"""Programs that are the same on Windows or of Windows alone, and commands of PowerShell."""
FIRST_CASES = {found.rule: found for found in reversed(cases.find()) if found.kind == "fires"}


def on_windows(found: cases.Found) -> Facts:
    data = msgspec.to_builtins(found.facts())
    data["platform"].update(
        system="Windows", os_id="windows", os_version="10.0.26100", os_name="Windows 11", machine="AMD64", home=HOME
    )
    if isinstance(data["python"]["executable"], str):
        data["python"].update(executable=PYTHON, prefix=f"{HOME}\\my env")
    return machines.facts(data)


@pytest.mark.parametrize("name", sorted(FIRST_CASES))
def test_every_command_is_one_of_windows(name: str) -> None:
    checks = [rule for rule in all_rules() if rule.id == name]
    for finding in judge(on_windows(FIRST_CASES[name]), checks).findings:
        for fix in finding.fixes:
            for command in (*fix.commands, *((fix.verify,) if fix.verify else ())):
                assert command.startswith(("& ", "$env:", "C:")) or command.split()[0] in PROGRAMS, command


@pytest.mark.parametrize(
    ("commands", "kept"),
    [
        (("sudo nvidia-smi -i 0 -c DEFAULT",), ("nvidia-smi -i 0 -c DEFAULT",)),
        (("nvidia-smi", "sudo reboot"), ("nvidia-smi", "Restart-Computer")),
        (("py -m pip install 'a[b]'",), ("py -m pip install 'a[b]'",)),
        ((), ()),
        (("sudo dmesg | grep -i nvrm",), None),
        (("nvidia-smi -q | grep -i license",), None),
        (("export A=1",), None),
        (("A=1 py x",), None),
        (("nvidia-smi", "df -h /"), None),
        (("kubectl get pods 2>/dev/null",), None),
    ],
)
def test_what_another_system_alone_can_run_is_left_out(commands: tuple[str, ...], kept: tuple[str, ...] | None) -> None:
    fixes = (samples.fix("Do it", *commands),)
    facts = on_windows(FIRST_CASES["framework-not-installed"])
    assert [fix.commands for fix in windows.runnable(facts, fixes)] == ([] if kept is None else [kept])
    linux = FIRST_CASES["framework-not-installed"].facts()
    assert windows.runnable(linux, fixes) == fixes


def test_a_check_of_another_system_is_left_out_alone() -> None:
    facts = on_windows(FIRST_CASES["framework-not-installed"])
    (kept,) = windows.runnable(facts, (samples.fix("Do it", "py x", verify="df -h /"),))
    assert (kept.commands, kept.verify) == (("py x",), None)
