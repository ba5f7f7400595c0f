"""Packages that conda manages: releases of their channel, ranges where it is not known, and names as conda has them."""

from typing import Any

import msgspec
import pytest
from judging import machines
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck import knowledge
from envcheck.fixes import conda, packages, solved
from envcheck.knowledge import conda_packages
from envcheck.knowledge.releases import releases, tracked
from envcheck.model.facts import Facts
from envcheck.model.report import PackageChanges
from envcheck.words import template

TITLE = template("Change the packages")
PREFIX = "~/miniforge3/envs/dl"
JAX = {
    "jax": ("0.4.30", "jaxlib<=0.4.30,>=0.4.27", "numpy>=1.22", "scipy>=1.9", "ml-dtypes>=0.2", "opt-einsum"),
    "jaxlib": ("0.4.23", "numpy>=1.22", "scipy>=1.9", "ml-dtypes>=0.2"),
    "numpy": ("1.26.4",),
    "scipy": ("1.14.0", "numpy<2.3,>=1.23.5"),
    "ml-dtypes": ("0.4.0", "numpy>=1.21"),
    "opt-einsum": ("3.3.0",),
}
TENSORFLOW = {
    "tensorflow": ("2.17.0", "numpy>=1.23", "keras>=3.2.0", "protobuf>=3.9.2", "ml-dtypes<0.5.0,>=0.3.1"),
    "keras": ("3.9.2", "numpy", "ml-dtypes"),
    "numpy": ("1.26.4",),
    "protobuf": ("5.28.3",),
    "ml-dtypes": ("0.4.0", "numpy>=1.21"),
}


def facts_of(installed: dict[str, tuple[str, ...]], channel: str = "conda-forge", **records: str) -> Facts:
    """Return a conda environment with these packages; ``records`` are versions that conda has for some of them."""
    data = machines.conda()
    base = data["python"]["packages"][0]
    data["python"]["packages"] = [
        {**base, "name": name, "version": version, "requires": requires, "installer": "conda", "top_level": (name,)}
        for name, (version, *requires) in installed.items()
    ]
    data["python"]["conda_packages"] = [
        {"name": conda.NAMES.get(name, name), "version": records.get(name, version), "build": "0", "channel": channel}
        for name, (version, *_) in installed.items()
    ]
    return machines.facts(data)


def commands(facts: Facts, *add: str, **options: Any) -> tuple[str, ...]:
    return solved.change(facts, TITLE, add=add, **options).commands


# --- which releases -----------------------------------------------------------------------------------


def test_a_release_that_the_channel_has_is_named() -> None:
    fix = solved.change(facts_of(TENSORFLOW), TITLE, add=("tensorflow>=2.18",))
    assert fix.commands == (f"conda install -y -p {PREFIX} -c conda-forge tensorflow==2.19.1",)
    assert any("TensorFlow 2.20" in note and "not in conda's channel conda-forge" in note for note in fix.notes)


def test_conda_is_left_free_where_the_channel_is_not_known() -> None:
    assert commands(facts_of(JAX), "jaxlib<=0.4.30,>=0.4.27") == (
        f"conda install -y -p {PREFIX} -c conda-forge 'jaxlib>=0.4.27,<0.4.31'",
    )
    assert commands(facts_of(TENSORFLOW, channel="https://conda.example.org/ours/linux-64"), "tensorflow>=2.18") == (
        f"conda install -y -p {PREFIX} 'tensorflow>=2.19.0,<2.20.0'",
    )


@pytest.mark.parametrize(
    ("installed", "wish"),
    [
        (JAX, "numpy<1.26"), (JAX, "numpy>=2"), (JAX, "ml-dtypes>=0.4.1"), (JAX, "scipy<1.14"), (JAX, "jaxlib>0.4.23"),
        (TENSORFLOW, "numpy>=2"), (TENSORFLOW, "ml-dtypes>=0.4.1"), (TENSORFLOW, "protobuf<5"),
    ],
)  # fmt: skip
def test_every_release_in_a_range_goes_with_the_rest(installed: dict[str, tuple[str, ...]], wish: str) -> None:
    name = Requirement(wish).name
    fix = solved.change(facts_of(installed), TITLE, add=(wish,))
    assert fix.changes is not None
    told = {Requirement(text).name: Requirement(text).specifier for text in fix.changes.add}
    inside = [release for release in releases(name) if release.version in told[name]]
    assert inside
    assert all(release.version in Requirement(wish).specifier for release in inside)
    for other, (_, *requires) in installed.items():
        asked = [text for text in map(Requirement, requires) if text.name == name and other not in told]
        assert all(release.version in text.specifier for text in asked for release in inside), (other, told)


def test_conda_chooses_where_nothing_can_be_computed() -> None:
    fix = solved.change(facts_of(TENSORFLOW), TITLE, add=("tensorflow<2.3",))
    assert fix.commands == (f"conda install -y -p {PREFIX} -c conda-forge 'tensorflow<2.3'",)
    assert "conda's own solver chooses" in fix.notes[0]
    gpu = solved.computed(facts_of(TENSORFLOW), TITLE, add=("tensorflow",), on_gpu=("tensorflow",))
    assert gpu is None  # the tables do not tell which of conda's builds serve which GPU


@pytest.mark.parametrize(
    ("distribution", "channel", "version", "answer"),
    [
        ("torch", "conda-forge", "2.5.1", True),
        ("torch", "conda-forge", "2.2.2", False),
        ("torch", "conda-forge", "99.0", None),
        ("torch", "conda-forge", "1.5.0", None),
        ("torch", None, "2.5.1", None),
        ("numpy", "conda-forge", "2.0.0", None),
        ("jax", "pkgs/main", "0.4.30", False),
    ],
)
def test_what_a_channel_has(distribution: str, channel: str | None, version: str, answer: bool | None) -> None:
    assert conda_packages.has(distribution, channel, Version(version)) is answer


def test_rows_are_about_distributions_with_a_table() -> None:
    rows = knowledge.load("conda_packages", conda_packages.ChannelPackage)
    assert {row.distribution for row in rows} <= tracked()
    assert {row.channel for row in rows} <= {*conda.CHANNELS}
    for row in rows:
        assert conda.NAMES.get(row.distribution, row.distribution) == row.package
        known = {release.version for release in releases(row.distribution)}
        assert known & {*row.versions}


# --- who changes what, and how it is called -----------------------------------------------------------


def test_a_new_package_goes_the_way_of_what_it_goes_with() -> None:
    facts = facts_of(TENSORFLOW)
    assert conda.manages(facts, "tf-keras")  # it needs TensorFlow, which is conda's
    assert not conda.manages(facts, "tensorboard-plugin-of-mine")


def test_what_pip_installed_stays_with_pip() -> None:
    facts = facts_of(TENSORFLOW)
    mixed = machines.facts(_with_installer(facts, "tensorflow", "pip"))
    assert not conda.manages(mixed, "tf-keras")
    pip, of_conda = f"{PREFIX}/bin/python -m pip install", f"conda install -y -p {PREFIX} -c conda-forge"
    commands = packages.install(mixed, "tensorflow==2.18.0", "numpy<2.1")
    assert commands[0] == f"{of_conda} 'numpy<2.1'"
    assert commands[-1] == f"{pip} tensorflow==2.18.0"
    torch = packages.install(mixed, "torch==2.9.1+cu126", "numpy<2.1", index="https://download.pytorch.org/whl/cu126")
    assert torch[0] == f"{of_conda} 'numpy<2.1'"
    assert "numpy" not in torch[-1]


def _with_installer(facts: Facts, name: str, installer: str) -> Any:
    data = machines.conda()
    data["python"] = msgspec.to_builtins(facts.python)
    for package in data["python"]["packages"]:
        if package["name"] == name:
            package["installer"] = installer
    return data


def test_a_release_is_called_as_conda_calls_it() -> None:
    facts = facts_of({"torch": ("2.5.1.post303",), "opt-einsum": ("3.3.0",)}, torch="2.5.1")
    again = packages.install(facts, "torch==2.5.1.post303", reinstall=True)
    assert again == (f"conda install -y -p {PREFIX} --force-reinstall --no-deps -c conda-forge pytorch==2.5.1",)
    assert SpecifierSet(conda.spec(facts, "numpy<2,>=1.26").removeprefix("numpy")) == SpecifierSet(">=1.26,<2")


def test_pixi_takes_what_is_conda_s_from_its_channels() -> None:
    facts = facts_of(TENSORFLOW)
    data = _with_installer(facts, "protobuf", "uv-pixi")
    data["python"].update(installer="pixi", prefix="/home/ana/work/.pixi/envs/default")
    pixi = machines.facts(data)
    assert packages.install(pixi, "numpy<2") == ("pixi add --manifest-path ~/work 'numpy<2'",)
    assert packages.install(pixi, "protobuf<5") == ("pixi add --pypi --manifest-path ~/work 'protobuf<5'",)
    assert packages.uninstall(pixi, "keras") == ("pixi remove --manifest-path ~/work keras",)
    assert packages.install(pixi, "keras==3.9.2", reinstall=True) == ("pixi reinstall --manifest-path ~/work keras",)
    data["python"]["prefix"] = "/home/ana/work/.pixi/envs/cuda"
    assert packages.commands(machines.facts(data), PackageChanges(add=("numpy<2",))) == (
        "pixi add --manifest-path ~/work 'numpy<2'",
        "pixi install --manifest-path ~/work --environment cuda",
    )


@pytest.mark.parametrize(
    ("program", "kept"),
    [(None, True), ("conda", True), ("/opt/conda/bin/conda", True), ("mamba", False), ("/opt/bin/micromamba", False)],
)
def test_variables_of_the_environment_are_kept_by_conda_alone(program: str | None, kept: bool) -> None:
    facts = facts_of(JAX)
    data = _with_installer(facts, "jax", "conda")
    data["python"]["conda_program"] = program
    assert conda.keeps_variables(machines.facts(data)) is kept
    data["python"]["installer"] = "pixi"
    assert not conda.keeps_variables(machines.facts(data))
