"""The laws of the house, read from the imports: the staircase, the purity of rules and renderers, the workers."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import envcheck

PACKAGE = Path(envcheck.__file__).parent
WORKERS = PACKAGE / "workers"
LONGEST_MODULE = 300

#: From the ground up; a module imports from its own step and those below, never from above.
STAIRCASE = (
    ("model", "redact", "words"),
    (
        "process",
        "channel",
        "child",
        "host",
        "knowledge",
        "signatures",
        "snapshot",
        "schema",
        "requirements",
        "fixes",
        "identity",
    ),
    ("probes", "rules", "render"),
    ("compare", "report", "explanation", "passthrough"),
    ("library", "excepthook"),
    ("cli",),
    ("__main__",),
)
#: These look at the machine; rules, renderers and what they stand on do not.
LOOKING = {"os", "subprocess", "ctypes", "time", "psutil", "socket", "pathlib", "shutil", "tempfile", "platform"}
FRAMEWORKS = {"tensorflow", "torch", "jax", "keras", "openvino", "numpy", "threadpoolctl", "paddle", "mxnet", "theano"}


def modules(folder: str = "") -> list[Path]:
    found = [path for path in (PACKAGE / folder).rglob("*.py") if WORKERS not in path.parents]
    assert found
    return sorted(found)


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each imported module with its line; ``from a import b`` counts as ``a.b`` too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield str(node.module), node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "envcheck" and len(parts) > 1 else None


def step(part: str) -> int:
    return next(number for number, rooms in enumerate(STAIRCASE) if part in rooms)


def rooms() -> set[str]:
    return {room for rooms in STAIRCASE for room in rooms}


def own_room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_has_its_place_on_the_staircase() -> None:
    assert {own_room(path) for path in modules()} - {"__init__"} == rooms()


@pytest.mark.parametrize("path", modules(), ids=name)
def test_imports_go_down_the_staircase(path: Path) -> None:
    own = own_room(path)
    if own == "__init__":
        return
    for module, line in imported(path):
        other = room(module)
        if other not in rooms() or other == own:
            continue
        assert step(other) <= step(own), f"line {line}: {own} imports {other} from above"
        doors = {"probes", "rules", "render"}
        assert not {own, other} <= doors, f"line {line}: there is no door between {own} and {other}"


@pytest.mark.parametrize(
    "path", [*modules("rules"), *modules("render"), *modules("model"), *modules("fixes")], ids=name
)
def test_rules_and_renderers_never_look_at_the_machine(path: Path) -> None:
    looking = {module.partition(".")[0] for module, _ in imported(path)} & LOOKING
    assert looking == set()


@pytest.mark.parametrize("path", modules(), ids=name)
def test_no_framework_is_imported_outside_the_workers(path: Path) -> None:
    assert {module.partition(".")[0] for module, _ in imported(path)} & FRAMEWORKS == set()


@pytest.mark.parametrize("path", sorted(WORKERS.glob("*.py")), ids=lambda path: path.name)
def test_workers_import_the_standard_library_alone(path: Path) -> None:
    """At their top; the framework that a worker is about is imported where its stage has been announced."""
    top = ast.parse(path.read_text(encoding="utf-8")).body
    names = [alias.name for node in top if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in top if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sorted(WORKERS.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_of_a_worker_imports_envcheck(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [str(node.module)]
        assert not any(name.partition(".")[0] == "envcheck" for name in names)


def test_nothing_imports_a_worker() -> None:
    for path in modules():
        for module, line in imported(path):
            assert not module.startswith("envcheck.workers"), f"{name(path)}:{line}"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_modules_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_MODULE


@pytest.mark.parametrize("path", modules("rules"), ids=name)
def test_sentences_of_rules_are_templates(path: Path) -> None:
    """Title and message of a rule are marked templates, never text that was put together."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "rule"):
            continue
        for keyword in node.keywords:
            if keyword.arg in ("title", "message"):
                value = keyword.value
                is_template = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "template"
                assert is_template or isinstance(value, ast.Name), f"line {node.lineno}: {keyword.arg}"
        assert not any(isinstance(part, ast.JoinedStr) for part in ast.walk(node)), f"line {node.lineno}"


def test_importing_everything_starts_no_process_and_loads_no_framework() -> None:
    code = (
        "import importlib, pkgutil, sys, envcheck\n"
        "for module in pkgutil.walk_packages(envcheck.__path__, 'envcheck.'):\n"
        "    if '.workers' not in module.name and not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        f"print(sorted(set(sys.modules) & {FRAMEWORKS!r}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")
