"""Installed packages, from metadata of every format and state."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from simulated.pythons import compile_c, elf_header, install, pyenv, user_host, venv, write

from envcheck.knowledge import egg_info
from envcheck.model.facts import Package
from envcheck.model.unknown import Unknown
from envcheck.probes import packages


def find(tmp_path: Path, *folders: Path, prefix: Path | None = None) -> packages.Installed:
    return packages.find(user_host(tmp_path), [str(folder) for folder in folders], str(prefix) if prefix else None)


def found(tmp_path: Path, *folders: Path) -> tuple[Package, ...]:
    result = find(tmp_path, *folders).packages
    assert isinstance(result, tuple)
    return result


def only(tmp_path: Path, folder: Path) -> Package:
    (package,) = found(tmp_path, folder)
    return package


def test_this_environment_as_the_standard_library_sees_it(tmp_path: Path) -> None:
    folders = [entry for entry in sys.path if os.path.isdir(entry)]
    known = {
        (canonicalize_name(distribution.name), distribution.version)
        for distribution in importlib.metadata.distributions(path=folders)
    }
    assert {(package.name, package.version) for package in found(tmp_path, *map(Path, folders))} == known
    requires = {
        canonicalize_name(distribution.name): tuple(distribution.requires or ())
        for distribution in importlib.metadata.distributions(path=folders)
    }
    for package in found(tmp_path, *map(Path, folders)):
        assert package.requires == requires[package.name]


def test_a_wheel_installed_by_pip(tmp_path: Path) -> None:
    site = tmp_path / "site"
    code = {"demo/__init__.py": "", "demo/core.abi3.so": b"x" * 9, "demo.libs/libz-1a.so": b"z", "demo_tool.py": ""}
    headers = (
        "Name: Demo.Tools\nVersion: 1.2+cpu\nRequires-Python: >=3.8\n"
        "Requires-Dist: numpy>=1.2 ; extra == 'x'\nRequires-Dist: six\n\nName: not a header\n"
    )
    written = {"REQUESTED": "", "METADATA": headers}
    info = install(site, "Demo-Tools", "1.2+cpu", code, tag="cp311-abi3-linux_x86_64", metadata=written)
    package = only(tmp_path, site)
    assert (package.name, package.version, package.location) == ("demo-tools", "1.2+cpu", str(site))
    assert package.metadata == str(info)
    assert (package.installer, package.requested, package.editable) == ("pip", True, False)
    assert package.wheel_tags == ("cp311-abi3-linux_x86_64",)
    assert package.requires == ("numpy>=1.2 ; extra == 'x'", "six")
    assert package.requires_python == ">=3.8"
    assert package.top_level == ("demo", "demo_tool")
    assert (package.files_missing, package.files_truncated, package.source_url) == ((), (), None)


def test_two_of_one_name_and_what_pip_left_behind(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "numpy", "1.26.4")
    install(site, "numpy", "2.1.0")
    write(site, {"~umpy/__init__.py": "", "~umpy-1.26.4.dist-info/METADATA": "Name: numpy\nVersion: 1.26.4\n\n"})
    result = find(tmp_path, site)
    assert isinstance(result.packages, tuple)
    assert [(package.name, package.version) for package in result.packages] == [("numpy", "1.26.4"), ("numpy", "2.1.0")]
    assert result.leftovers == (str(site / "~umpy"), str(site / "~umpy-1.26.4.dist-info"))


def test_the_order_of_the_path_and_folders_named_twice(tmp_path: Path) -> None:
    install(tmp_path / "first", "six", "1.0")
    install(tmp_path / "second", "six", "2.0")
    (tmp_path / "link").symlink_to(tmp_path / "second")
    result = found(tmp_path, tmp_path / "second", tmp_path / "first", tmp_path / "link", tmp_path / "gone")
    assert [package.version for package in result] == ["2.0", "1.0"]


def test_formats_from_before_wheels(tmp_path: Path) -> None:
    site = tmp_path / "dist-packages"
    write(
        site,
        {
            "PyYAML-6.0.egg-info": "Metadata-Version: 1.1\nName: PyYAML\nVersion: 6.0\n",
            "old-1.0.egg-info/PKG-INFO": "Name: old\nVersion: 1.0\n\n",
            "old-1.0.egg-info/requires.txt": "six\n\n[fast]\nnumpy>=1.2\n\n[:python_version<'3']\nenum34\n\n"
            "[fast:os_name=='nt']\ncolorama",
            "old-1.0.egg-info/top_level.txt": "old\n_old\n",
            "packed-2.0-py3.6.egg/EGG-INFO/PKG-INFO": "Name: packed\nVersion: 2.0\n",
            "zipped-2.0-py3.6.egg": b"PK\x03\x04",
            "developed.egg-link": f"{tmp_path}/source\n.",
        },
    )
    write(tmp_path / "source", {"developed.egg-info/PKG-INFO": "Name: developed\nVersion: 0.1\n"})
    by_name = {package.name: package for package in found(tmp_path, site)}
    assert {name: package.version for name, package in by_name.items()} == {
        "pyyaml": "6.0",
        "old": "1.0",
        "packed": "2.0",
        "developed": "0.1",
    }
    assert by_name["old"].requires == (
        "six",
        'numpy>=1.2 ; extra == "fast"',
        "enum34 ; (python_version<'3')",
        "colorama ; extra == \"fast\" and (os_name=='nt')",
    )
    assert by_name["old"].top_level == ("old", "_old")
    assert (by_name["developed"].editable, by_name["old"].editable) == (True, False)
    assert isinstance(by_name["pyyaml"].top_level, Unknown)
    assert isinstance(by_name["pyyaml"].files_missing, Unknown)
    assert by_name["pyyaml"].wheel_tags == ()


def test_requirements_of_eggs_can_be_parsed() -> None:
    from packaging.requirements import Requirement

    text = "a\n[x:python_version<'3' and os_name=='nt']\nb[c]>=1.0,<2\n"
    first, second = map(Requirement, egg_info.requirements(text))
    assert (first.name, first.marker) == ("a", None)
    assert (second.name, second.extras, str(second.specifier)) == ("b", {"c"}, "<2,>=1.0")
    assert second.marker is not None
    assert second.marker.evaluate({"python_version": "2.7", "os_name": "nt", "extra": "x"})
    assert not second.marker.evaluate({"python_version": "2.7", "os_name": "nt", "extra": ""})


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff" * 5000, b"Name: \xff\xfe\n\n", b"no headers at all\n", b"Version: 1.0\n\n", b":\n:\n\n"],
)
def test_damaged_metadata(tmp_path: Path, content: bytes) -> None:
    install(tmp_path / "site", "broken-thing", "1.0", metadata={"METADATA": content})
    package = only(tmp_path, tmp_path / "site")
    assert package.name == "broken-thing"
    assert isinstance(package.version, Unknown)
    assert isinstance(package.requires, Unknown)


def test_metadata_that_are_gone_and_folders_in_the_place_of_files(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"half-1.0.dist-info/INSTALLER": "pip\n"})
    for name in ("METADATA", "RECORD", "WHEEL", "direct_url.json"):
        (site / "odd-1.0.dist-info" / name).mkdir(parents=True)
    write(site, {"loop-1.0.dist-info/x": ""})
    (site / "loop-1.0.dist-info" / "METADATA").symlink_to("METADATA")
    result = found(tmp_path, site)
    assert [package.name for package in result] == ["half", "loop", "odd"]
    assert all(isinstance(package.version, Unknown) for package in result)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_what_must_not_be_read_is_not_missing(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "demo", "1.0", {"demo/part/core.py": ""})
    (site / "demo" / "part").chmod(0)
    assert only(tmp_path, site).files_missing == ()
    (site / "demo" / "part").chmod(0o700)
    site.chmod(0)
    result = find(tmp_path, site).packages
    site.chmod(0o700)
    assert isinstance(result, Unknown)
    assert result.reason == "denied"


def test_missing_code(tmp_path: Path) -> None:
    site = tmp_path / "site"
    code = {f"demo/part/m{number}.py": "" for number in range(40)}
    install(site, "demo", "1.0", {"demo/__init__.py": "", 'demo/a,"b".py': "", "demo/core.so": b"x", **code})
    assert only(tmp_path, site).files_missing == ()
    (site / "demo" / "core.so").unlink()
    assert only(tmp_path, site).files_missing == ("demo/core.so",)
    for path in (site / "demo" / "part").iterdir():
        path.unlink()
    missing = only(tmp_path, site).files_missing
    assert isinstance(missing, tuple)
    assert len(missing) == 10


def test_headers_and_caches_may_be_left_out(tmp_path: Path) -> None:
    site = tmp_path / "site"
    code = {"demo/__init__.py": "", "demo/include/demo.h": "", "demo/__pycache__/__init__.cpython-311.pyc": b""}
    install(site, "demo", "1.0", code)
    (site / "demo" / "include" / "demo.h").unlink()
    (site / "demo" / "__pycache__" / "__init__.cpython-311.pyc").unlink()
    package = only(tmp_path, site)
    assert (package.files_missing, package.top_level) == ((), ("demo",))


def test_a_library_cut_short(tmp_path: Path) -> None:
    library = compile_c(tmp_path / "built.so", "int answer(void) { return 42; }\n", "-shared", "-fPIC")
    whole = library.read_bytes()
    site = tmp_path / "site"
    install(site, "demo", "1.0", {"demo/core.so": whole, "demo/other.pyd": b"MZ" * 500})
    assert only(tmp_path, site).files_truncated == ()
    (site / "demo" / "core.so").write_bytes(whole[: len(whole) // 2])
    assert only(tmp_path, site).files_truncated == ("demo/core.so",)
    (site / "demo" / "other.pyd").write_bytes(b"MZ")
    assert only(tmp_path, site).files_truncated == ("demo/core.so", "demo/other.pyd")


def test_a_library_without_its_symbols_is_whole(tmp_path: Path) -> None:
    source = (
        "int answer(void) { return 42; } static int unused(void) { return 1; } int also(void) { return unused(); }\n"
    )
    library = compile_c(tmp_path / "built.so", source, "-shared", "-fPIC", "-g")
    stripped = compile_c(tmp_path / "small.so", source, "-shared", "-fPIC", "-s")
    assert stripped.stat().st_size < library.stat().st_size
    site = tmp_path / "site"
    install(site, "demo", "1.0", {"demo/core.so": library.read_bytes()})
    (site / "demo" / "core.so").write_bytes(stripped.read_bytes())
    assert only(tmp_path, site).files_truncated == ()


def test_a_header_that_names_more_than_there_is(tmp_path: Path) -> None:
    site = tmp_path / "site"
    header = bytearray(elf_header(62, 9000))
    header[40:48] = (8000).to_bytes(8, "little")  # where the table of sections begins
    header[58:62] = (64).to_bytes(2, "little") + (10).to_bytes(2, "little")
    install(site, "demo", "1.0", {"demo/core.so": bytes(header)})
    (site / "demo" / "core.so").write_bytes(header[:8500])
    assert only(tmp_path, site).files_truncated == ("demo/core.so",)


@pytest.mark.parametrize(
    ("content", "editable", "url"),
    [
        ({"url": "file:///home/x/demo", "dir_info": {"editable": True}}, True, "file:///home/x/demo"),
        ({"url": "file:///home/x/demo", "dir_info": {}}, False, "file:///home/x/demo"),
        ({"url": "https://x.org/d.git", "vcs_info": {"vcs": "git"}}, False, "https://x.org/d.git"),
    ],
)
def test_where_it_was_installed_from(tmp_path: Path, content: object, editable: bool, url: str) -> None:
    files = {"__editable___demo_finder.py": ""} if editable else {"demo.py": ""}
    extra = {"direct_url.json": json.dumps(content), "top_level.txt": "demo\n"}
    install(tmp_path / "site", "demo", "1.0", files, metadata=extra)
    package = only(tmp_path, tmp_path / "site")
    assert (package.editable, package.source_url, package.top_level) == (editable, url, ("demo",))


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"url": 3}', b"\xff"])
def test_a_damaged_direct_url(tmp_path: Path, content: bytes) -> None:
    install(tmp_path / "site", "demo", "1.0", metadata={"direct_url.json": content})
    package = only(tmp_path, tmp_path / "site")
    assert isinstance(package.editable, Unknown)
    assert isinstance(package.source_url, Unknown)


def test_an_installer_that_does_not_note_what_was_asked_for(tmp_path: Path) -> None:
    install(tmp_path / "site", "one", "1.0")
    assert isinstance(only(tmp_path, tmp_path / "site").requested, Unknown)
    install(tmp_path / "site", "two", "1.0", metadata={"REQUESTED": ""})
    assert [package.requested for package in found(tmp_path, tmp_path / "site")] == [False, True]


def test_conda(tmp_path: Path) -> None:
    prefix = tmp_path / "conda"
    site = prefix / "lib" / "python3.11" / "site-packages"
    install(site, "tensorflow", "2.15.0", metadata={"INSTALLER": "conda\n"})
    write(site, {"six-1.16.0.dist-info/METADATA": "Name: six\nVersion: 1.16.0\n\n"})
    install(site, "rich", "13.0")
    record = {"name": "tensorflow", "version": "2.15.0", "build": "cpu_py311h6ac8430_3", "channel": "conda-forge"}
    meta = {
        "conda-meta/tensorflow-2.15.0-cpu.json": json.dumps({**record, "files": ["a"] * 1000}),
        "conda-meta/six-1.16.0-0.json": json.dumps({"name": "six", "version": "1.16.0"}),
        "conda-meta/broken-1.json": "{",
        "conda-meta/state": "{}",
        "conda-meta/history": "==> 2024 <==",
    }
    write(prefix, meta)
    result = find(tmp_path, site, prefix=prefix)
    assert isinstance(result.packages, tuple)
    installers = {package.name: package.installer for package in result.packages}
    assert installers == {"tensorflow": "conda", "six": "conda", "rich": "pip"}
    assert isinstance(result.conda_packages, tuple)
    builds = {package.name: (package.build, package.channel) for package in result.conda_packages}
    assert builds == {"tensorflow": ("cpu_py311h6ac8430_3", "conda-forge"), "six": (None, None)}


def test_an_environment_that_pip_of_python_3_6_made(tmp_path: Path) -> None:
    made = venv(tmp_path / "env", pyenv("3.6"))
    subprocess.run([made / "bin" / "python", "-m", "ensurepip"], check=True, capture_output=True, timeout=120)
    names = [package.name for package in found(tmp_path, next(made.glob("lib/python3.6/site-packages")))]
    assert names == ["pip", "setuptools"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is denied to root")
def test_folders_that_may_not_be_read(tmp_path: Path) -> None:
    install(tmp_path, "numpy", "2.4.6", {"numpy/__init__.py": "", "numpy_notes.py": ""})
    (tmp_path / "numpy").chmod(0)
    package = only(tmp_path, tmp_path)
    (tmp_path / "numpy").chmod(0o755)
    assert (package.folders_denied, package.files_missing) == (("numpy",), ())
