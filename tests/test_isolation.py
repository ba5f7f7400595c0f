"""envcheck's own process survives what breaks or shadows its imports; its children see the user's environment."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ENVCHECK = Path(sysconfig.get_path("scripts"), "envcheck.exe" if os.name == "nt" else "envcheck")

#: What the backport `enum34` does to Python 3: an `enum` without IntFlag, which `re` and `signal` need.
ENUM34 = "class Enum:\n    pass\n\n\nclass IntEnum(int, Enum):\n    pass\n\n\nclass EnumMeta(type):\n    pass\n"


def run(argv: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, timeout=120)


@pytest.fixture(params=["command", "module"])
def envcheck(request: pytest.FixtureRequest) -> list[str]:
    return [str(ENVCHECK)] if request.param == "command" else [sys.executable, "-m", "envcheck"]


def test_a_pythonpath_with_the_enum34_backport(envcheck: list[str], tmp_path: Path) -> None:
    (tmp_path / "enum").mkdir()
    (tmp_path / "enum" / "__init__.py").write_text(ENUM34)
    plain = run([sys.executable, "-c", "import re"], tmp_path, PYTHONPATH=str(tmp_path))
    assert plain.returncode != 0, "the backport must break Python itself, or this test proves nothing"

    result = run(
        [*envcheck, "report", "--no-smoke", "--format", "json", "--no-redact"], tmp_path, PYTHONPATH=str(tmp_path)
    )

    assert result.returncode in (0, 1), result.stderr
    facts = json.loads(result.stdout)["facts"]
    assert facts["python"]["isolated_only"] is True
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="LD_LIBRARY_PATH is a matter of Linux")
def test_a_broken_library_in_front_of_that_of_the_system(envcheck: list[str], tmp_path: Path) -> None:
    (tmp_path / "libz.so.1").write_text("no library\n")
    plain = run([sys.executable, "-c", "import zlib"], tmp_path, LD_LIBRARY_PATH=str(tmp_path))
    if plain.returncode == 0:
        pytest.skip("this Python has zlib inside")

    result = run([*envcheck, "report", "--no-smoke", "--format", "json"], tmp_path, LD_LIBRARY_PATH=str(tmp_path))

    assert result.returncode in (0, 1), result.stderr
    facts = json.loads(result.stdout)["facts"]
    variables = {found["name"]: found["value"] for found in facts["platform"]["environment"]}
    assert variables["LD_LIBRARY_PATH"] == str(tmp_path)
    assert not any(name.startswith("ENVCHECK_KEPT") for name in variables)


def test_a_random_py_in_the_working_directory(envcheck: list[str], tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('the file of the user ran')\n")
    (tmp_path / "click.py").write_text("raise SystemExit('the file of the user ran')\n")

    result = run([*envcheck, "report", "--no-smoke", "--format", "json"], tmp_path)

    assert result.returncode in (0, 1), result.stderr
    assert "the file of the user ran" not in result.stdout + result.stderr
    shadows = json.loads(result.stdout)["facts"]["python"]["shadows"]
    assert "random" in [shadow["module"] for shadow in shadows]


def test_a_user_site_with_another_click(envcheck: list[str], tmp_path: Path) -> None:
    base = tmp_path / "userbase"
    site = run(
        [sys.executable, "-c", "import site; print(site.getusersitepackages())"], tmp_path, PYTHONUSERBASE=str(base)
    ).stdout.strip()
    Path(site).mkdir(parents=True)
    Path(site, "click.py").write_text("raise SystemExit('another click ran')\n")

    result = run([*envcheck, "--version"], tmp_path, PYTHONUSERBASE=str(base), PYTHONPATH=site)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("envcheck, version ")


def test_a_pythonstartup_is_not_run(envcheck: list[str], tmp_path: Path) -> None:
    startup = tmp_path / "startup.py"
    startup.write_text("raise SystemExit('startup ran')\n")

    assert run([*envcheck, "--version"], tmp_path, PYTHONSTARTUP=str(startup)).returncode == 0


def test_children_see_the_environment_unchanged(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    result = run(
        [sys.executable, "-m", "envcheck", "report", "--no-smoke", "--format", "json", "--no-redact"],
        tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    assert str(tmp_path) in json.loads(result.stdout)["facts"]["python"]["path"]


def test_importing_envcheck_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import envcheck; print(sorted(set(sys.modules) - before))"
    result = run([sys.executable, "-c", code], Path.cwd())
    assert result.stdout.strip() == "['envcheck']"


def test_the_version_loads_only_click_besides(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['envcheck', '--version']\n"
        "from envcheck.cli.main import run\n"
        "run(['--version'])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    result = run([sys.executable, "-I", "-c", code], tmp_path)
    loaded = set(result.stdout.split("\n")[1].split())
    assert {"click", "envcheck"} <= loaded
    assert not loaded & {"rich", "msgspec", "psutil", "pynvml", "packaging", "jinja2"}
