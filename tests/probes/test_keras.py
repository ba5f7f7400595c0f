"""Keras: which one, which backend it takes and why."""

import itertools
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from simulated.pythons import environment_of, install, site_packages, user_host, write

from envcheck.host import Host
from envcheck.model.facts import Keras
from envcheck.model.unknown import Unknown
from envcheck.probes import interpreter, keras, keras_config, target

KERAS_3 = {
    "keras/__init__.py": "from keras.src.version import __version__\n",
    "keras/src/version.py": '__version__ = "3.5.0"\n\n\ndef version():\n    return __version__\n',
    "keras/src/backend/config.py": "",
    **{f"keras/src/backend/{name}/__init__.py": "" for name in ("common", "jax", "tensorflow", "tests", "torch")},
}
KERAS_2_10 = {"keras/__init__.py": '__version__ = "2.10.0"\n', "keras/backend.py": ""}
KERAS_2_3 = {
    "keras/__init__.py": "from __future__ import absolute_import\nprint 'Python 2'\n__version__ = '2.3.1'\n",
    **{f"keras/backend/{name}_backend.py": "" for name in ("cntk", "load", "numpy", "tensorflow", "theano")},
}
GOOD = {"floatx": "float32", "epsilon": 1e-07, "backend": "jax", "image_data_format": "channels_last"}


def probe(tmp_path: Path, version: str = "3.5.0", files: Mapping[str, str] = KERAS_3, **environ: str) -> Keras:
    """Look at a broken environment with a Keras of these files: they are all that it takes."""
    made = tmp_path / "env"
    if not made.exists():
        environment_of(made)
        install(site_packages(made), "keras", version, files)
    return look(user_host(tmp_path, **environ), made)


def look(host: Host, environment: Path) -> Keras:
    python = interpreter.probe(host, target.find(host, str(environment), None))
    return keras.probe(host, python, ())


def settings(tmp_path: Path, content: object, folder: str = "home/.keras") -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    return write(tmp_path / folder, {"keras.json": text}) / "keras.json"


def test_nothing_chosen(tmp_path: Path) -> None:
    facts = probe(tmp_path)
    assert (facts.installed, facts.version, facts.metadata_version) == (True, "3.5.0", "3.5.0")
    assert facts.how == f"{facts.location}/src/version.py"
    assert facts.flavour == "keras-3"
    assert facts.backends_available == ("jax", "tensorflow", "torch")
    assert (facts.backend, facts.backend_chosen_by) == ("tensorflow", "default")
    assert facts.config_path == str(tmp_path / "home" / ".keras" / "keras.json")
    assert (facts.config_status, facts.config_error, facts.config_writable) == ("absent", None, True)
    assert (facts.config_fallback, facts.legacy_requested, facts.tf_keras_version) == (False, False, None)


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    path = settings(tmp_path, GOOD)
    facts = probe(tmp_path)
    assert (facts.backend, facts.backend_chosen_by, facts.config_status) == ("jax", "keras.json", "ok")
    facts = probe(tmp_path, KERAS_BACKEND="torch")
    assert (facts.backend, facts.backend_chosen_by) == ("torch", "KERAS_BACKEND")
    assert isinstance(facts.backend_sources, tuple)
    trace = [(source.source, source.value) for source in facts.backend_sources]
    assert trace[:3] == [("KERAS_BACKEND", "torch"), ("keras.json", "jax"), ("default", "tensorflow")]
    assert facts.backend_sources[1].detail == str(path)


def test_an_empty_variable_is_passed_over(tmp_path: Path) -> None:
    facts = probe(tmp_path, KERAS_BACKEND="")
    assert (facts.backend, facts.backend_chosen_by) == ("tensorflow", "default")
    assert isinstance(facts.backend_sources, tuple)
    assert "empty" in str(facts.backend_sources[0].detail)


@pytest.mark.parametrize(
    ("home", "folder"), [("{tmp}/own", "own"), ("~/own", "home/own"), ("own", "work/own"), ("", "work")]
)
def test_keras_home(tmp_path: Path, home: str, folder: str) -> None:
    path = settings(tmp_path, GOOD, folder)
    facts = probe(tmp_path, KERAS_HOME=home.format(tmp=tmp_path))
    assert (facts.config_path, facts.backend) == (str(path), "jax")


def test_no_home(tmp_path: Path) -> None:
    facts = probe(tmp_path, HOME=str(tmp_path / "nowhere"))
    assert (facts.config_path, facts.config_fallback) == ("/tmp/.keras/keras.json", True)
    without = user_host(tmp_path)
    environ = {name: value for name, value in without.environ.items() if name != "HOME"}
    facts = look(Host(environ=environ, cwd=without.cwd), tmp_path / "env")
    assert isinstance(facts.config_path, str)
    assert facts.config_path.endswith(".keras/keras.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    probe(tmp_path)
    settings(tmp_path, GOOD).chmod(0o400)
    assert probe(tmp_path).config_writable is False
    (tmp_path / "home").chmod(0o500)
    facts = probe(tmp_path)
    assert (facts.config_path, facts.config_fallback) == ("/tmp/.keras/keras.json", True)
    (tmp_path / "home").chmod(0o700)


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        ("{", "malformed", "line 1"),
        ("", "malformed", "line 1"),
        ("[1]", "invalid", "[1]"),
        ({**GOOD, "floatx": "double"}, "invalid", "floatx is 'double'"),
        ({**GOOD, "epsilon": 1}, "invalid", "epsilon is 1"),
        ({**GOOD, "image_data_format": "tf"}, "invalid", "image_data_format is 'tf'"),
    ],
)
def test_a_bad_file(tmp_path: Path, content: object, status: str, error: str) -> None:
    settings(tmp_path, content)
    facts = probe(tmp_path)
    assert facts.config_status == status
    assert error in str(facts.config_error)
    if status == "malformed":
        assert facts.backend_chosen_by == "default"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "home" / ".keras" / "keras.json").mkdir(parents=True)
    assert probe(tmp_path).config_status == "unreadable"


def test_keras_2_runs_on_tensorflow_alone(tmp_path: Path) -> None:
    settings(tmp_path, GOOD)
    facts = probe(tmp_path, "2.10.0", KERAS_2_10, KERAS_BACKEND="jax")
    assert (facts.flavour, facts.backends_available) == ("keras-2-tensorflow", ("tensorflow",))
    assert (facts.backend, facts.backend_chosen_by) == ("tensorflow", "this Keras")
    facts = probe(tmp_path, HOME=str(tmp_path / "nowhere"))
    assert (facts.config_path, facts.config_fallback) == (f"{tmp_path}/nowhere/.keras/keras.json", False)
    assert facts.config_writable is True  # the folder above could hold it


def test_keras_2_for_several_backends(tmp_path: Path) -> None:
    settings(tmp_path, {**GOOD, "backend": "theano"})
    facts = probe(tmp_path, "2.3.1", KERAS_2_3)
    assert (facts.version, facts.flavour) == ("2.3.1", "keras-2-multi-backend")
    assert facts.backends_available == ("cntk", "tensorflow", "theano")
    assert (facts.backend, facts.backend_chosen_by) == ("theano", "keras.json")


def test_keras_of_13_to_15_and_tf_keras(tmp_path: Path) -> None:
    made = environment_of(tmp_path / "env")
    install(site_packages(made), "keras", "2.15.0", {"keras/__init__.py": '__version__ = "2.15.0"\n'})
    install(site_packages(made), "tf-keras", "2.16.0", {"tf_keras/__init__.py": '__version__ = "2.16.0"\n'})
    for word, requested in (("1", True), ("True", True), ("true", True), ("0", False), ("yes", False), ("", False)):
        facts = look(user_host(tmp_path, TF_USE_LEGACY_KERAS=word), made)
        assert facts.legacy_requested is requested
    assert (facts.version, facts.flavour, facts.tf_keras_version) == ("2.15.0", "keras-2-tensorflow", "2.16.0")


def test_files_and_metadata_that_differ(tmp_path: Path) -> None:
    made = environment_of(tmp_path / "env")
    install(site_packages(made), "keras", "2.15.0", KERAS_3)
    install(site_packages(made), "keras-nightly", "3.6.0.dev1", KERAS_3)
    facts = look(user_host(tmp_path), made)
    assert (facts.version, facts.metadata_version) == ("3.5.0", "2.15.0")
    assert facts.distributions == ("keras", "keras-nightly")


def test_not_installed_or_gone(tmp_path: Path) -> None:
    made = environment_of(tmp_path / "env")
    facts = look(user_host(tmp_path, KERAS_BACKEND="jax"), made)
    assert (facts.installed, facts.version, facts.backend, facts.backends_available) == (False, None, None, ())
    assert isinstance(facts.backend_sources, tuple)
    assert facts.backend_sources[0].value == "jax"
    install(site_packages(made), "keras", "3.5.0", {"keras/data.txt": "", "keras/layers.py": ""})
    facts = look(user_host(tmp_path), made)
    assert (facts.installed, facts.version, facts.metadata_version) == (True, None, "3.5.0")
    assert (facts.location, facts.leftover) == (None, str(site_packages(made) / "keras"))


def test_a_version_file_that_tells_nothing(tmp_path: Path) -> None:
    made = environment_of(tmp_path / "env")
    write(site_packages(made), {"keras/__init__.py": b"\x00\xff"})
    facts = look(user_host(tmp_path), made)
    assert (facts.installed, facts.version) == (True, None)
    assert isinstance(facts.flavour, Unknown)
    assert isinstance(facts.backends_available, Unknown)


RUN_ITS_CONFIG = """
import json, runpy, sys, types
def module(name, **content):
    made = sys.modules[name] = types.ModuleType(name)
    made.__dict__.update(content, __path__=[])
    return made
for name in ("keras", "keras.src", "keras.src.backend"):
    module(name)
module("keras.src.api_export", keras_export=lambda *names: lambda value: value)
state = types.SimpleNamespace(set_global_attribute=lambda *pair: None)
module("keras.src.backend.common", global_state=state)
try:
    found = runpy.run_path(sys.argv[1])
    print(json.dumps([str(found["_BACKEND"]), found["_config_path"]]))
except Exception:
    print("null")
"""
CONTENTS = (None, "{", "[]", json.dumps(GOOD), '{"backend": null}', '{"floatx": "half"}', '{"epsilon": 1}', "\ufeff{}")
ENVIRONMENTS = ({}, {"KERAS_BACKEND": "torch"}, {"KERAS_BACKEND": ""}, {"KERAS_HOME": "own"}, {"KERAS_HOME": "~/own"})


@pytest.mark.frameworks
def test_keras_itself_agrees(tmp_path: Path, jax_environment: str) -> None:
    """Run the part of the real Keras that chooses the backend, and only that, in each case."""
    prefix = Path(jax_environment).parents[1]
    (config_file,) = prefix.glob("lib/python*/site-packages/keras/src/backend/config.py")
    for number, (content, environ) in enumerate(itertools.product(CONTENTS, ENVIRONMENTS)):
        place = tmp_path / str(number)
        place.mkdir()
        host = user_host(place, **environ)
        folder = {"own": "work/own", "~/own": "home/own"}.get(environ.get("KERAS_HOME", ""), "home/.keras")
        if content is not None:
            settings(place, content, folder)
        facts = look(host, prefix)
        output = subprocess.run(
            [jax_environment, "-c", RUN_ITS_CONFIG, str(config_file)],
            env=dict(host.environ), cwd=host.cwd, capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip
        answer = json.loads(output)
        if answer is None:
            assert facts.config_status == "invalid", (content, environ)
        else:
            assert facts.config_status != "invalid", (content, environ)
            assert (facts.backend, facts.config_path) == (answer[0], os.path.join(host.cwd, answer[1]))


def test_what_keras_makes_of_a_file_is_bounded() -> None:
    assert keras_config.judge(b"[" * 100_000)[0] in ("malformed", "invalid")


@pytest.mark.parametrize(
    ("value", "asked", "said"), [("1", True, "tf-keras"), ("yes", False, "passes over"), (None, False, "None")]
)
def test_what_tf_use_legacy_keras_does_is_part_of_the_trace(
    tmp_path: Path, value: str | None, asked: bool, said: str
) -> None:
    facts = probe(tmp_path, **({} if value is None else {"TF_USE_LEGACY_KERAS": value}))
    assert isinstance(facts.backend_sources, tuple)
    (source,) = [source for source in facts.backend_sources if source.source == "TF_USE_LEGACY_KERAS"]
    assert (facts.legacy_requested, source.value, facts.backend) == (asked, None, "tensorflow")
    assert said in str(source.detail)
