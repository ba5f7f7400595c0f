"""``fix-suggestions --verify``: suggestions are tried in scratch environments, and nothing of the user's is touched."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import interpreters
import pytest
from msgspec.structs import replace
from render import report_samples as samples
from simulated import pythons, wheels
from simulated.wheels import User

from envcheck.fixes import packages
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Finding, PackageChanges
from envcheck.report import Options, check
from envcheck.verifying import trial

CONFLICT = "package-requirements-conflict"


@pytest.fixture(params=["pip", "uv"])
def anybody(request: pytest.FixtureRequest, tmp_path: Path) -> User:
    return wheels.with_conflict(tmp_path / "ana", request.param)


@pytest.fixture
def ana(tmp_path: Path) -> User:
    return wheels.with_conflict(tmp_path / "ana", "uv")


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what lies below a folder: size and time of change of each file."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def tried(user: User, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """Return the verification of each fix, by finding. Nothing of the user's has changed, and nothing is left."""
    places = (user.environment, user.home / "work", user.home / ".keras")
    before = [contents(place) for place in places]
    result = user.fixes("--verify", "--format", "json", *arguments)
    assert result.returncode in (0, 1), result.stderr
    assert [contents(place) for place in places] == before
    assert os.listdir(user.home / "tmp") == []
    steps = json.loads(result.stdout)["steps"]
    return {step["findings"][0]["id"]: [fix["verification"] for fix in step["fixes"]] for step in steps}


def test_a_fix_that_holds(anybody: User) -> None:
    assert tried(anybody, "--no-smoke") == {
        CONFLICT: [{"status": "verified", "detail": "The finding is gone; the test model was not run, as you wished."}]
    }


def test_requirements_that_do_not_resolve(anybody: User) -> None:
    next((anybody.home / "wheels").glob("new_lib*")).unlink()
    ((found,),) = tried(anybody, "--no-smoke").values()
    assert found["status"] == "does not resolve"
    assert "new-lib" in found["detail"]


def test_a_target_whose_test_model_still_does_not_run(ana: User) -> None:
    (found,) = tried(ana)[CONFLICT]
    assert found["status"] == "still fails"
    assert found["detail"].startswith("The test model does not run with torch on ")


def test_a_fix_that_another_one_needs(ana: User) -> None:
    """Each of two conflicts is mended by its own fix, and either verdict rests on both."""
    ana.offer("torchvision", "1.0", requires=("new-lib==1.0",))
    ana.install("torchvision")
    found = tried(ana, "--no-smoke")
    assert [each["status"] for each in found[CONFLICT]] == ["verified"]


def test_what_cannot_be_tried(ana: User) -> None:
    pythons.write(ana.home, {".keras/keras.json": '{"floatx": "float31"}'})
    found = tried(ana, "--no-smoke")
    assert found["keras-json-invalid"] == [{"status": "not verifiable", "detail": "It changes no packages."}]
    assert found[CONFLICT][0]["status"] == "verified"


def test_an_index_out_of_reach_is_no_verdict(ana: User) -> None:
    ana.environ |= {"UV_CONFIG_FILE": os.devnull, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_FIND_LINKS": ""}
    ana.environ["UV_HTTP_TIMEOUT"] = "5"
    (found,) = tried(ana, "--no-smoke")[CONFLICT]
    assert found["status"] == "not verifiable"
    assert "127.0.0.1:9" in found["detail"]


def test_the_network_is_announced_first(ana: User) -> None:
    ana.environ["PIP_INDEX_URL"] = "https://ana:s3cr3t-w0rd@index.example/simple"
    result = ana.fixes("--no-smoke", "--verify")
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Verifying uses the network: https://")
    assert "s3cr3t-w0rd" not in result.stderr + result.stdout
    assert "Tried in a scratch environment: verified." in result.stdout


def test_nothing_to_try_uses_no_network(ana: User) -> None:
    ana.install("helper-lib==2.0", "new-lib")
    pythons.write(ana.home, {".keras/keras.json": '{"floatx": "float31"}'})
    assert "network" not in ana.fixes("--no-smoke", "--verify").stderr


def test_ctrl_c_leaves_nothing_behind(ana: User) -> None:
    tool = ana.home / "bin" / "uv"
    real = tool.resolve()
    tool.unlink()
    waits = ana.home / "waits"
    # The dry run is let through; the installation in the scratch environment hangs.
    pythons.program(
        tool,
        f'#!/bin/sh\ncase "$*" in *--dry-run*) exec {real} "$@";; "pip install"*) touch {waits}; sleep 600;; esac\n'
        f'exec {real} "$@"\n',
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "envcheck", "fix-suggestions", "--python", "~/env", "--no-smoke", "--verify"],
        cwd=ana.home / "work",
        env=ana.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + wheels.SECONDS
    while not waits.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert waits.exists(), process.communicate(timeout=wheels.SECONDS)
    assert os.listdir(ana.home / "tmp") != []
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=wheels.SECONDS)
    assert process.returncode == 130, errors
    assert os.listdir(ana.home / "tmp") == []


@pytest.mark.frameworks
def test_a_real_framework_is_proved_and_healed(tmp_path: Path, jax_environment: str) -> None:
    """Something that JAX needs is gone; the suggestion is verified with the test model, carried out, and holds."""
    user = User(tmp_path / "ana", "uv", {"KERAS_BACKEND": "jax"})
    shutil.copytree(Path(jax_environment).parent.parent, user.environment, symlinks=True)
    for name in ("work", "tmp", "bin"):
        (user.home / name).mkdir()
    (user.home / "bin" / "uv").symlink_to(wheels.UV)
    user.online()
    shutil.rmtree(user.site / "opt_einsum")
    shutil.rmtree(next(user.site.glob("opt_einsum-*.dist-info")))
    found = tried(user, "--backend", "jax", "--device", "cpu")
    statuses = {name: [each["status"] for each in fixes] for name, fixes in found.items()}
    assert "verified" in statuses[next(iter(statuses))], found
    result = user.fixes("--apply", "--yes", "--backend", "jax", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "Nothing is left to do."


@interpreters.each("3.6")
def test_an_old_python_and_its_old_pip(tmp_path: Path, python: str) -> None:
    user = wheels.with_conflict(tmp_path / "ana", "pip", python)
    assert [each["status"] for each in tried(user, "--no-smoke")[CONFLICT]] == ["verified"]
    result = user.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert "Nothing is left to do." in result.stdout


# --- several steps, several ways ----------------------------------------------------------------------


def suggestion(name: str, *changes: PackageChanges) -> Finding:
    """Return a finding that no look at the scratch environment makes again, with ways to mend it."""
    fixes = tuple(
        samples.fix(f"{name} {number}", f"do {name} {number}", changes=change) for number, change in enumerate(changes)
    )
    return samples.finding(name, fixes=fixes)


def statuses(user: User, monkeypatch: pytest.MonkeyPatch, *found: Finding) -> dict[str, list[str]]:
    for name, value in user.variables.items():
        monkeypatch.setenv(name, value)
    options = Options(python=str(user.environment), smoke=False)
    before = user.versions()
    report = check(options)
    report = replace(report, findings=tuple(_with_commands(report.facts, finding) for finding in found))
    after = trial.verify(Host.current(), report, options, lambda text: None)
    assert user.versions() == before
    return {
        finding.id: [fix.verification.status if fix.verification else "" for fix in finding.fixes]
        for finding in after.findings
    }


def _with_commands(facts: Facts, finding: Finding) -> Finding:
    """Return the finding with the commands that its changes stand for."""
    fixes = tuple(
        replace(fix, commands=packages.commands(facts, fix.changes)) if not fix.changes.environment else fix
        for fix in finding.fixes
        if fix.changes is not None
    )
    return replace(finding, fixes=fixes)


def test_one_that_cannot_be_applied_does_not_spoil_the_others(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, right = PackageChanges(add=("no-such-package",)), PackageChanges(remove=("keras",), add=("helper-lib>=2",))
    found = statuses(ana, monkeypatch, suggestion("a", wrong), suggestion("b", right))
    assert found == {"a": ["does not resolve"], "b": ["verified"]}


def test_steps_that_contradict_each_other_are_noticed(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each resolves alone; what one of them brings, the other takes away, and the fault is there again."""
    good, bad = PackageChanges(add=("helper-lib>=2",)), PackageChanges(add=("helper-lib<2",))
    conflict = replace(suggestion(CONFLICT, good), subject="tensorflow")
    found = statuses(ana, monkeypatch, conflict, suggestion("b", bad))
    assert found[CONFLICT] == ["still fails"]


def test_another_way_is_tried_in_the_place_of_the_first(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = PackageChanges(add=("helper-lib<2",)), PackageChanges(add=("helper-lib>=2",))
    conflict = replace(suggestion(CONFLICT, first, second), subject="tensorflow")
    assert statuses(ana, monkeypatch, conflict) == {CONFLICT: ["still fails", "verified"]}


def test_a_new_environment_is_made_elsewhere(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(ana.home / "envs" / "dl")
    there = PackageChanges(add=("helper-lib>=2",), environment=place)
    not_there = PackageChanges(add=("helper-lib>=3",), environment=place)
    found = statuses(ana, monkeypatch, suggestion("a", there), suggestion("b", not_there))
    assert (found["a"], found["b"]) == (["still fails"], ["does not resolve"])  # no framework is in that environment
    assert not Path(place).exists()


def test_no_room_for_a_copy_is_said(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    full = "/dev/shm"
    if not os.path.isdir(full):
        pytest.skip("there is no small file system at /dev/shm")
    large = ana.site / "large.bin"
    with large.open("wb") as file:
        file.truncate(shutil.disk_usage(full).total * 2)  # a hole: it takes no room, and a copy of it would
    ana.environ["TMPDIR"] = full
    found = tried_with_notes(ana)
    assert found["status"] == "not verifiable"
    assert "TMPDIR names another folder" in found["detail"]


def tried_with_notes(user: User) -> dict[str, Any]:
    result = user.fixes("--verify", "--format", "json", "--no-smoke")
    steps = json.loads(result.stdout)["steps"]
    fix = next(step["fixes"][0] for step in steps if step["findings"][0]["id"] == CONFLICT)
    found: dict[str, Any] = fix["verification"]
    return found
