"""What an import meets first: each case is put to the target itself."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from simulated.pythons import install, pyenv, site_packages, user_host, venv, write

from envcheck.host import Host
from envcheck.model.facts import Shadow
from envcheck.probes import interpreter, target

MODULE = "value = 1\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with stand-ins for a few frameworks."""
    made = venv(tmp_path_factory.mktemp("shadows") / "env")
    names = ("tensorflow", "keras", "numpy", "torch")
    for name in names:
        install(site_packages(made), name, "1.0", {f"{name}/__init__.py": MODULE})
    install(site_packages(made), "protobuf", "1.0", {"google/protobuf/__init__.py": MODULE})
    return made


def shadows(host: Host, environment: Path) -> list[Shadow]:
    python = interpreter.probe(host, target.find(host, str(environment), None))
    assert isinstance(python.shadows, tuple)
    return list(python.shadows)


def imported(host: Host, environment: Path, module: str) -> str:
    """Return the file that the target takes for a module when it is started as a notebook or ``python -c`` is."""
    code = f"import json, {module}; print(json.dumps({module}.__file__))"
    output = subprocess.run(
        [environment / "bin" / "python", "-c", code],
        cwd=host.cwd,
        env=dict(host.environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    return str(json.loads(output))


CASES: list[tuple[Mapping[str, str], str, str | None]] = [
    ({"tensorflow.py": MODULE}, "tensorflow", "tensorflow.py"),
    ({"keras/__init__.py": MODULE}, "keras", "keras"),
    ({"random.py": MODULE}, "random", "random.py"),
    ({"queue/__init__.py": MODULE}, "queue", "queue"),
    ({"tensorflow/notes.py": MODULE}, "tensorflow", None),  # a part of a namespace package hides nothing
    ({"keras/data.txt": ""}, "keras", None),
    ({"numpy.txt": "", "numpy.test.py": MODULE, "Numpy.py.orig": ""}, "numpy", None),
    ({"google/__init__.py": "", "google/protobuf.py": MODULE}, "google.protobuf", "google"),
    ({"google/other.py": ""}, "google.protobuf", None),
    ({"torch.py/readme": ""}, "torch", None),
]


@pytest.mark.parametrize(("files", "module", "shadow"), CASES)
@pytest.mark.parametrize("place", ["working-directory", "PYTHONPATH"])
def test_what_hides_a_module(
    tmp_path: Path, environment: Path, files: Mapping[str, str], module: str, shadow: str | None, place: str
) -> None:
    folder = write(tmp_path / "folder", files)
    host = (
        user_host(tmp_path, cwd=folder) if place == "working-directory" else user_host(tmp_path, PYTHONPATH=str(folder))
    )
    found = shadows(host, environment)
    taken = imported(host, environment, module)
    if shadow is None:
        assert found == []
        assert not taken.startswith(str(folder))
        return
    assert [(item.module, item.path, item.found_in) for item in found] == [
        (module.partition(".")[0], str(folder / shadow), place)
    ]
    assert taken.startswith(str(folder))
    top = module.partition(".")[0]
    hidden = str(site_packages(environment) / top)
    assert found[0].hides == (hidden if os.path.exists(hidden) else "standard library")


def test_a_compiled_module_hides_too(tmp_path: Path, environment: Path) -> None:
    folder = write(tmp_path / "folder", {"numpy.cpython-311-x86_64-linux-gnu.so": "", "torch.abi3.so": ""})
    assert [item.module for item in shadows(user_host(tmp_path, cwd=folder), environment)] == ["torch", "numpy"]


def test_what_hides_nothing_is_not_reported(tmp_path: Path, environment: Path) -> None:
    folder = write(tmp_path / "folder", {"jax.py": MODULE, "jax_tools.py": MODULE, "train.py": MODULE})
    assert shadows(user_host(tmp_path, cwd=folder), environment) == []


def test_a_module_that_is_part_of_the_interpreter(tmp_path: Path, environment: Path) -> None:
    folder = write(tmp_path / "folder", {"array.py": MODULE, "math.py": MODULE, "select.py": MODULE})
    host = user_host(tmp_path, cwd=folder)
    code = "import sys; print(*sys.builtin_module_names)"
    output = subprocess.run([environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    expected = [name for name in ("array", "math", "select") if name not in output.stdout.split()]
    assert [item.module for item in shadows(host, environment)] == expected


def test_standing_in_site_packages_or_the_standard_library(tmp_path: Path, environment: Path) -> None:
    site = site_packages(environment)
    assert shadows(user_host(tmp_path, cwd=site), environment) == []
    assert shadows(user_host(tmp_path, PYTHONPATH=str(site)), environment) == []
    assert shadows(user_host(tmp_path, cwd=Path(os.__file__).parent), environment) == []


def test_a_source_checkout_counts(tmp_path: Path, environment: Path) -> None:
    checkout = write(tmp_path / "keras", {"setup.py": "", "keras/__init__.py": MODULE, "README.md": ""})
    (found,) = shadows(user_host(tmp_path, cwd=checkout), environment)
    assert (found.module, found.path) == ("keras", str(checkout / "keras"))


def test_a_link_to_the_installed_package_hides_nothing(tmp_path: Path, environment: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "keras").symlink_to(site_packages(environment) / "keras")
    assert shadows(user_host(tmp_path, cwd=folder), environment) == []


def test_relative_and_empty_entries_of_pythonpath(tmp_path: Path, environment: Path) -> None:
    host = user_host(tmp_path, PYTHONPATH=os.pathsep.join(("", "sub", "/gone")))
    write(tmp_path / "work", {"keras.py": MODULE, "sub/numpy.py": MODULE})
    found = [(item.module, item.found_in) for item in shadows(host, environment)]
    assert found == [("keras", "working-directory"), ("numpy", "PYTHONPATH")]


def test_the_user_site_hides_what_comes_after_it(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    settings = made / "pyvenv.cfg"
    # Only an environment that sees its base's packages sees those of the user.
    settings.write_text(settings.read_text().replace("packages = false", "packages = true"))
    host = user_host(tmp_path)
    python = interpreter.probe(host, target.find(host, str(made), None))
    assert isinstance(python.user_site, str)
    user_site = Path(python.user_site)
    assert user_site.is_relative_to(tmp_path / "home")
    later = write(tmp_path / "later", {"caffe/__init__.py": MODULE})
    # 'mxnet' comes after the environment's own, 'random' after the standard library's.
    write(user_site, {"caffe/__init__.py": MODULE, "mxnet.py": MODULE, "random.py": MODULE, "later.pth": f"{later}\n"})
    install(site_packages(made), "mxnet", "2.0", {"mxnet/__init__.py": MODULE})
    (found,) = shadows(host, made)
    assert (found.module, found.path) == ("caffe", str(user_site / "caffe"))
    assert (found.found_in, found.hides) == ("user-site", str(later / "caffe"))
    for module in ("caffe", "mxnet", "random"):
        assert imported(host, made, module).startswith(str(user_site)) == (module == "caffe")
    off = user_host(tmp_path, PYTHONNOUSERSITE="1")
    assert shadows(off, made) == []


@pytest.mark.parametrize(("version", "hides"), [("3.10", True), ("3.13", False)])
def test_pythonsafepath(tmp_path: Path, version: str, hides: bool) -> None:
    made = venv(tmp_path / "env", pyenv(version))
    folder = write(tmp_path / "folder", {"random.py": MODULE})
    host = user_host(tmp_path, cwd=folder, PYTHONSAFEPATH="1")
    assert imported(host, made, "random").startswith(str(folder)) == hides
    assert bool(shadows(host, made)) == hides


def test_start_up_files_that_put_folders_first(environment: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    write(old, {"numpy/__init__.py": MODULE, "random.py": MODULE, "notes.py": MODULE})
    site = site_packages(environment)
    path_file = site / "easy-install.pth"
    host = user_host(tmp_path)
    for file, text in ((path_file, f"import sys; sys.path[0:0] = ['{old}']\n"), (path_file, f"{old}\n")):
        file.write_text(text)
        try:
            found = {(each.module, each.found_in, each.set_by) for each in shadows(host, environment)}
            taken = imported(host, environment, "numpy")
        finally:
            file.unlink()
        first = text.startswith("import")
        assert taken.startswith(str(old)) is first  # a folder that is only named comes last
        assert found == ({(name, "startup-file", str(path_file)) for name in ("numpy", "random")} if first else set())
