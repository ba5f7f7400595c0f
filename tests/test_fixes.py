"""The commands of fixes: quoted for a shell, and in the words of what manages the target's packages."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from judging import machines

from envcheck.fixes import environments, gpu_builds, packages, shell
from envcheck.model.facts import Facts
from envcheck.words import template

TITLE = template("Do it")


def facts_of(machine: str = "cpu-only", /, **changes: Any) -> Facts:
    """Return the facts of a machine; ``python__installer="uv"`` changes /python/installer."""
    data = machines.MACHINES[machine]()
    for name, value in changes.items():
        machines.change(data, "/" + name.replace("__", "/"), value)
    return machines.facts(data)


# --- shell ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("/opt/my env/bin/python", "'/opt/my env/bin/python'"),
        ("/home/ana/env/bin/python", "~/env/bin/python"),
        ("/home/ana/my env/bin/python", "~/'my env/bin/python'"),
        ("/home/ana", "~"),
        ("/home/ana2/env", "/home/ana2/env"),
        ("~/env/bin/python", "~/env/bin/python"),
        ("/home/ana/$(reboot)", "~/'$(reboot)'"),
    ],
)
def test_paths(path: str, word: str) -> None:
    assert shell.path(facts_of(), path) == word


@pytest.mark.parametrize("home", [None, {"unknown": "failed", "detail": ""}, "/", ""])
def test_paths_without_a_home(home: Any) -> None:
    assert shell.path(facts_of(platform__home=home), "/home/ana/env") == "/home/ana/env"


@pytest.mark.parametrize("name", ["my env", "it's", "$HOME", "a;b", "täglich", "-x", "#1", "a\nb"])
def test_a_shell_reads_back_what_was_quoted(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    word = shell.path(facts_of(platform__home=str(tmp_path)), str(tmp_path / name))
    command = ["/bin/sh", "-c", f"cd {word} && pwd"]
    result = subprocess.run(command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert result.stdout == f"{tmp_path / name}\n"


# --- packages -------------------------------------------------------------------------------------

PREFIX = "/home/ana/env"


@pytest.mark.parametrize(
    ("installer", "commands"),
    [
        ("pip", ("~/env/bin/python -m pip install 'numpy<2'",)),
        ("uv", ("uv pip install -p ~/env/bin/python 'numpy<2'",)),
        ("poetry", ("poetry add 'numpy<2'",)),
        ("pdm", ("pdm add 'numpy<2'",)),
        ("pixi", ("pixi add --pypi 'numpy<2'",)),
        (None, ("~/env/bin/python -m pip install 'numpy<2'",)),
        ("debian", ("~/env/bin/python -m pip install 'numpy<2'",)),
    ],
)
def test_install(installer: str | None, commands: tuple[str, ...]) -> None:
    assert packages.install(facts_of(python__installer=installer), "numpy<2") == commands


@pytest.mark.parametrize(
    ("installer", "prefix", "command"),
    [
        ("poetry", "/home/ana/work/.venv", "poetry add --directory ~/work numpy"),
        ("pdm", "/srv/my work/.venv", "pdm add --project '/srv/my work' numpy"),
        ("pixi", "/home/ana/work/.pixi/envs/default", "pixi add --pypi --manifest-path ~/work numpy"),
        ("poetry", "/home/ana/.cache/pypoetry/virtualenvs/work-py3.11", "poetry add numpy"),
    ],
)
def test_the_project_of_an_environment_inside_it(installer: str, prefix: str, command: str) -> None:
    assert packages.install(facts_of(python__installer=installer, python__prefix=prefix), "numpy") == (command,)


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("pip", "~/env/bin/python -m pip uninstall -y keras"),
        ("uv", "uv pip uninstall -p ~/env/bin/python keras"),
        ("poetry", "poetry remove keras"),
        ("pdm", "pdm remove keras"),
    ],
)
def test_uninstall(installer: str, command: str) -> None:
    assert packages.uninstall(facts_of(python__installer=installer), "keras") == (command,)


def test_conda_packages_come_from_conda_and_others_from_pip() -> None:
    facts = facts_of("conda")
    python = "~/miniforge3/envs/dl"
    assert packages.install(facts, "torch>=2.3") == (f"conda install -y -p {python} 'pytorch>=2.3'",)
    assert packages.install(facts, "tf-keras") == (f"{python}/bin/python -m pip install tf-keras",)
    assert packages.uninstall(facts, "torch") == (f"conda remove -y --force -p {python} pytorch",)


def test_reinstallation_and_another_index_name_them() -> None:
    pip, uv = facts_of(), facts_of(python__installer="uv")
    assert packages.install(pip, "keras==3.15.1", reinstall=True) == (
        "~/env/bin/python -m pip install --force-reinstall --no-deps keras==3.15.1",
    )
    assert packages.install(uv, "torch", index="https://x/cu126") == (
        "uv pip install -p ~/env/bin/python torch --index-url https://x/cu126",
    )


def test_an_environment_without_pip_gets_it_first() -> None:
    data = machines.cpu_only()
    machines.remove(data, "/python/packages/pip")
    fix = packages.change(machines.facts(data), TITLE, remove=("keras",), add=("keras",))
    assert fix.commands == (
        "~/env/bin/python -m ensurepip",
        "~/env/bin/python -m pip uninstall -y keras",
        "~/env/bin/python -m pip install keras",
    )


def test_the_python_of_the_operating_system_is_left_alone() -> None:
    facts = facts_of(
        python__environment="system", python__externally_managed=True, python__executable="/usr/bin/python3"
    )
    fix = packages.change(facts, TITLE, remove=("numpy",), add=("numpy<2",))
    assert fix.commands == (
        "sudo apt install -y python3-venv",
        "/usr/bin/python3 -m venv ~/envs/envcheck",
        "~/envs/envcheck/bin/python -m pip install 'numpy<2'",
    )
    assert (fix.needs_root, fix.risk) == (True, "system")
    elsewhere = packages.change(msgspec.structs.replace(facts, platform=fedora(facts)), TITLE, add=("numpy<2",))
    assert elsewhere.commands[0] == "/usr/bin/python3 -m venv ~/envs/envcheck"
    assert (elsewhere.needs_root, elsewhere.risk) == (False, "safe")


def test_in_a_container_the_image_gets_the_environment() -> None:
    facts = facts_of(
        "container",
        python__environment="system",
        python__externally_managed=True,
        python__executable="/usr/bin/python3",
        platform__os_id="debian",
    )
    fix = packages.change(facts, TITLE, add=("numpy<2",))
    assert fix.commands[0] == "apt-get install -y python3-venv"  # root in an image has no sudo
    assert "in the image with RUN" in fix.title


def fedora(facts: Facts) -> Any:
    return msgspec.structs.replace(facts.platform, os_id="fedora", os_name="Fedora Linux 43")


def test_a_build_of_torch_comes_again_from_its_index() -> None:
    facts = facts_of()
    torch = next(package for package in facts.python.packages if package.name == "torch")  # type: ignore[union-attr]
    fix = packages.again(facts, TITLE, torch)
    assert fix.commands == (
        "~/env/bin/python -m pip install --force-reinstall --no-deps torch==2.13.0+cpu "
        "--index-url https://download.pytorch.org/whl/cpu",
    )


# --- environments ---------------------------------------------------------------------------------


def test_an_environment_is_made_again_with_what_was_asked_for() -> None:
    fixes = environments.remake(facts_of())
    asked_for = "keras==3.15.1 tensorflow==2.21.0 jax==0.10.2 torch==2.13.0+cpu"
    index = "--extra-index-url https://download.pytorch.org/whl/cpu"
    uv_index = f"{index} --index-strategy unsafe-best-match"
    assert [fix.commands for fix in fixes] == [
        ("python3.11 -m venv --clear ~/env", f"~/env/bin/python -m pip install {asked_for} {index}"),
        ("uv venv --clear -p 3.11 ~/env", f"uv pip install -p ~/env/bin/python {asked_for} {uv_index}"),
    ]


def test_uv_comes_first_where_uv_made_it_and_conda_makes_its_own() -> None:
    assert environments.remake(facts_of(python__installer="uv"))[0].commands[0].startswith("uv venv")
    (conda,) = environments.remake(facts_of("conda"))
    assert conda.commands[0] == "conda create -y -p ~/miniforge3/envs/dl python=3.11"


def test_projects_in_development_are_left_out() -> None:
    fixes = environments.remake(facts_of(python__packages__keras__editable=True))
    assert "keras" not in fixes[0].commands[1]


# --- GPU builds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "capability", "major"),
    [("13.0", "8.9", 13), ("12.4", "8.9", 12), ("13.2", "7.0", 12), ("11.4", "3.5", 11), ("15.0", "9.0", 13)],
)
def test_the_newest_cuda_that_driver_and_gpu_allow(api: str, capability: str, major: int) -> None:
    changes = {
        "driver__nvidia__cuda_driver_api_version": api,
        "driver__nvidia__gpus__0__compute_capability": capability,
    }
    assert gpu_builds.cuda_major(facts_of("nvidia", **changes)) == major


def test_torch_and_its_companions_change_together() -> None:
    facts = facts_of("nvidia", python__packages__torchvision__version="0.28.0")
    assert gpu_builds.torch(facts).commands == (
        "~/env/bin/python -m pip uninstall -y torch torchvision",
        "~/env/bin/python -m pip install torch==2.15.0 torchvision==0.29.2",
    )


@pytest.mark.parametrize(
    ("version", "requirement"),
    [
        ("2.20.0", "'tensorflow[and-cuda]==2.20.0'"),
        ("2.13.1", "'tensorflow[and-cuda]==2.21.0'"),  # it does not bring CUDA
        (None, "'tensorflow[and-cuda]==2.21.0'"),
    ],
)
def test_tensorflow_keeps_its_release_where_that_brings_cuda(version: str | None, requirement: str) -> None:
    fix = gpu_builds.tensorflow(facts_of("nvidia"), version=version)
    assert requirement in fix.commands[-1].split()


def test_where_nothing_can_be_computed_the_installer_decides() -> None:
    facts = facts_of("nvidia", python__version={"unknown": "failed", "detail": ""})
    fix = gpu_builds.tensorflow(facts, version="2.13.1")
    assert fix.commands == ("~/env/bin/python -m pip install 'tensorflow[and-cuda]'",)
    assert fix.notes == ()


def test_a_build_of_another_index_beside_packages_of_the_usual_one() -> None:
    wanted, index = ("torch==2.14.1+cu126", "numpy==2.3.5"), "https://x/cu126"
    (pip,) = packages.install(facts_of(), *wanted, index=index)
    assert pip.endswith("torch==2.14.1+cu126 numpy==2.3.5 --extra-index-url https://x/cu126")
    (uv,) = packages.install(facts_of(python__installer="uv"), *wanted, index=index)
    assert uv.endswith("--extra-index-url https://x/cu126 --index-strategy unsafe-best-match")


def test_an_older_driver_gets_an_older_build_and_is_told_why() -> None:
    changes = {"driver__nvidia__version": "535.183.01", "driver__nvidia__cuda_driver_api_version": "12.2"}
    fix = gpu_builds.torch(facts_of("nvidia", **changes))
    assert "torch==2.14.1+cu126" in fix.commands[-1]
    assert "https://download.pytorch.org/whl/cu126" in fix.commands[-1]
    assert any("580.65.06" in note for note in fix.notes)
