"""The laws of the house, read from the imports and the syntax of every module. CONTRIBUTING.md says them in words."""

import ast
import configparser
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from interpreters import interpreter

import envcheck


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PACKAGE = Path(envcheck.__file__).parent
LONGEST_MODULE = 300  #: lines

#: From the ground up. A module may import what lies on lower floors, and its own room; on a floor of rooms there is no
#: door from one room to the next.
FLOORS: tuple[tuple[str, frozenset[str]], ...] = (
    ("ground", frozenset({"model", "redact", "words", "snapshot", "loader_variables"})),
    ("tools", frozenset({"host", "child", "process", "channel", "knowledge", "fixes", "signatures", "plugins"})),
    ("rooms", frozenset({"probes", "rules", "render"})),
    (
        "report",
        frozenset(
            {"report", "explanation", "log_fixes", "passthrough", "compare", "requirements", "identity", "schema"}
        ),
    ),
    ("hands", frozenset({"applying", "verifying"})),
    ("fleet", frozenset({"fleet"})),
    ("entrance", frozenset({"cli", "library", "excepthook", "__main__", "__init__"})),
)
FLOOR_OF = {name: number for number, (_, names) in enumerate(FLOORS) for name in names}

#: What may only turn and judge data: it neither looks at a machine nor at a clock, nor at itself as a process.
PURE = ("rules", "render", "fixes", "signatures", "redact", "model", "requirements", "compare", "snapshot")
LOOKING = words(
    """
    os subprocess ctypes time psutil socket pathlib pynvml shutil tempfile glob threading multiprocessing concurrent
    signal platform getpass pwd sys datetime random secrets urllib http ssl select asyncio mmap resource
    """
)
NOT_PURE = frozenset({"open", "input", "print", "eval", "exec", "__import__", "breakpoint"})

#: Probes reach files, programs and the environment through Host.
CLOSED_TO_PROBES = frozenset(
    {"subprocess", "ctypes", "socket", "pathlib", "glob", "io", "urllib", "http", "multiprocessing"}
)
CLOSED_OF_OS = words(
    """
    environ getenv environb listdir scandir walk fwalk open read fdopen popen system execv fork spawnv stat lstat
    readlink remove unlink rename mkdir makedirs rmdir putenv kill getcwd
    """
)

#: Importing one of them in envcheck's own process can kill or change it (threadpoolctl sets KMP_DUPLICATE_LIB_OK).
NEVER_IN_THE_PARENT = words(
    """
    tensorflow torch jax jaxlib keras tf_keras openvino numpy scipy pandas theano cntk mxnet paddle onnxruntime pynvml
    cuda threadpoolctl
    """
)
#: What the workers of the smoke test put to the test, in the target's interpreter.
UNDER_TEST = NEVER_IN_THE_PARENT | {"caffe", "plaidml"}

LARGER_ON_PURPOSE: frozenset[str] = frozenset()  #: none yet; say why beside each


@dataclass(frozen=True)
class Module:
    path: Path
    name: str  #: with dots, from ``envcheck`` on
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "__init__"

    def __str__(self) -> str:
        return str(self.path.relative_to(PACKAGE.parent))


@functools.cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(path, name, ast.parse(source), len(source.splitlines())))
    return tuple(found)


def ours() -> tuple[Module, ...]:
    """Return the modules that run in envcheck's own process."""
    return tuple(module for module in modules() if module.room != "workers")


def workers() -> tuple[Module, ...]:
    return tuple(module for module in modules() if module.room == "workers")


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that is imported, also inside functions."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            # 'from envcheck import child' imports a module as well as 'import envcheck.child' does.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


def place(module: Module, line: int, what: str) -> str:
    return f"{module}:{line}: {what}"


def calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


# --- the staircase --------------------------------------------------------------------------------


def test_every_module_has_its_floor() -> None:
    strangers = {module.room for module in ours()} - FLOOR_OF.keys()
    assert strangers == set(), "say in FLOORS where they belong"
    assert len(modules()) > 50  # the walk finds the package at all


def test_imports_go_down_the_staircase() -> None:
    wrong = []
    for module in ours():
        for line, name in imports(module):
            parts = name.split(".")
            if parts[0] != "envcheck" or len(parts) < 2:
                continue
            room = parts[1] if parts[1] in FLOOR_OF else "__init__"
            if room == "__init__" and parts[1] in ("__version__",):
                continue  # the number alone
            here, there = FLOOR_OF[module.room], FLOOR_OF[room]
            same_room = module.room == room
            rooms_apart = FLOORS[here][0] == "rooms" and here == there and not same_room
            if there > here or rooms_apart:
                wrong.append(place(module, line, f"{module.room} imports {room}"))
    assert wrong == []


def test_imports_are_absolute() -> None:
    wrong = [
        place(module, node.lineno, "relative import")
        for module in ours()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


def test_the_parent_imports_its_dependencies_and_no_framework() -> None:
    config = configparser.ConfigParser()
    config.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    if not config.has_section("options"):
        pytest.skip("the sources are not beside the package, so its dependencies cannot be read")
    required = {
        re.split(r"[\s<>=!~;\[]", line)[0] for line in config["options"]["install_requires"].split("\n") if line
    }
    allowed = required | set(sys.stdlib_module_names) | {"envcheck"}
    wrong = [
        place(module, line, name)
        for module in ours()
        for line, name in imports(module)
        if top(name) not in allowed or top(name) in NEVER_IN_THE_PARENT
    ]
    assert wrong == []


# --- facts, then judgement, then words --------------------------------------------------------------


def test_judging_and_rendering_do_not_look() -> None:
    wrong = [
        place(module, line, name)
        for module in ours()
        if module.room in PURE
        for line, name in imports(module)
        if top(name) in LOOKING
    ]
    wrong += [
        place(module, call.lineno, f"{call.func.id}()")
        for module in ours()
        if module.room in PURE
        for call in calls(module)
        if isinstance(call.func, ast.Name) and call.func.id in NOT_PURE
    ]
    assert wrong == []


def test_probes_look_through_the_one_door() -> None:
    wrong = []
    for module in ours():
        if module.room != "probes":
            continue
        wrong += [place(module, line, name) for line, name in imports(module) if top(name) in CLOSED_TO_PROBES]
        wrong += [
            place(module, node.lineno, f"os.{node.attr}")
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in CLOSED_OF_OS
        ]
        wrong += [
            place(module, call.lineno, "open()")
            for call in calls(module)
            if isinstance(call.func, ast.Name) and call.func.id == "open"
        ]
    assert wrong == []


def test_only_refreshing_the_knowledge_base_uses_the_network() -> None:
    """What a fix does, and --verify tries, is done by pip, uv and conda as programs of their own."""
    clients = ("urllib.request", "http.client", "http.server", "ssl", "ftplib", "smtplib", "requests", "httpx")
    wrong = [
        place(module, line, name)
        for module in modules()
        if module.name != "envcheck.knowledge.index"
        for line, name in imports(module)
        if name.startswith(clients) and name != "urllib.request.url2pathname"  # turns file: addresses into paths
        if (module.name, name) != ("envcheck.workers.interpreter", "ssl")  # asked where it looks for certificates
    ]
    assert wrong == []


def test_library_code_neither_prints_nor_exits() -> None:
    wrong = [
        place(module, call.lineno, ast.unparse(call.func))
        for module in ours()
        if module.room not in ("cli", "__main__", "excepthook", "passthrough")
        for call in calls(module)
        if ast.unparse(call.func) in ("print", "sys.exit", "exit", "quit", "os._exit")
    ]
    assert wrong == []


def test_nobody_changes_the_environment_of_the_parent() -> None:
    def is_environ(node: ast.AST) -> bool:
        return ast.unparse(node) == "os.environ"

    wrong = []
    for module in ours():
        for node in ast.walk(module.tree):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
            wrong += [
                place(module, node.lineno, "os.environ[...] changed")
                for target in targets
                if isinstance(target, ast.Subscript) and is_environ(target.value)
            ]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                changing = node.func.attr in ("update", "setdefault", "pop", "clear", "popitem")
                if (changing and is_environ(node.func.value)) or ast.unparse(node.func) in ("os.putenv", "os.unsetenv"):
                    wrong.append(place(module, node.lineno, ast.unparse(node.func)))
    assert wrong == []


# --- words are data ---------------------------------------------------------------------------------


def constant(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_templates_are_constants() -> None:
    # gettext's tools find only what stands there literally.
    wrong = [
        place(module, call.lineno, ast.unparse(call)[:80])
        for module in ours()
        for call in calls(module)
        if isinstance(call.func, ast.Name)
        and call.func.id == "template"
        and not (len(call.args) == 1 and not call.keywords and constant(call.args[0]))
    ]
    assert wrong == []


def test_sentences_of_rules_are_templates() -> None:
    wrong = []
    seen = 0
    for module in ours():
        if module.room != "rules":
            continue
        named = {
            target.id
            for node in module.tree.body
            if isinstance(node, ast.Assign) and is_template(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in calls(module):
            if not (isinstance(call.func, ast.Name) and call.func.id == "rule"):
                continue
            for keyword in call.keywords:
                if keyword.arg not in ("title", "message"):
                    continue
                seen += 1
                is_name = isinstance(keyword.value, ast.Name) and keyword.value.id in named
                if not (is_template(keyword.value) or is_name):
                    wrong.append(place(module, call.lineno, f"{keyword.arg}={ast.unparse(keyword.value)[:60]}"))
    assert wrong == []
    assert seen > 50


def is_template(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "template"


def test_no_sentence_is_glued_together() -> None:
    """Nothing that a person reads as title or message is an f-string, a sum, a ``%`` or a ``.format`` of texts."""
    wrong = []
    for module in ours():
        if module.room not in ("rules", "fixes", "signatures"):
            continue
        for call in calls(module):
            for keyword in call.keywords:
                if keyword.arg in ("title", "message") and any(map(is_glue, ast.walk(keyword.value))):
                    wrong.append(place(module, keyword.value.lineno, ast.unparse(keyword.value)[:80]))
    assert wrong == []


def is_glue(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return constant(node.left) or constant(node.right)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


# --- workers ----------------------------------------------------------------------------------------


def test_workers_import_the_standard_library_alone() -> None:
    wrong = []
    for module in workers():
        is_test = module.name.startswith(("envcheck.workers._smoke", "envcheck.workers.smoke_"))
        for line, name in imports(module):
            known = top(name) in sys.stdlib_module_names
            excused = (is_test and top(name) in UNDER_TEST) or (module.name.endswith(".nvml") and top(name) == "pynvml")
            if top(name) == "envcheck" or not (known or excused):
                wrong.append(place(module, line, name))
    assert wrong == []
    assert len(workers()) > 5


def test_nothing_imports_a_worker() -> None:
    wrong = [
        place(module, line, name)
        for module in modules()
        for line, name in imports(module)
        if name.startswith("envcheck.workers")
    ]
    assert wrong == []
    assert not (PACKAGE / "workers" / "__init__.py").exists()


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8"])
def test_workers_are_python_of_old(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} below ~/.pyenv/versions")
    program = "import sys; [compile(open(name, 'rb').read(), name, 'exec') for name in sys.argv[1:]]"
    paths = [str(module.path) for module in workers()]
    result = subprocess.run([python, "-c", program, *paths], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


# --- size and cost ----------------------------------------------------------------------------------


def test_modules_are_small() -> None:
    large = {str(module): module.lines for module in modules() if module.lines > LONGEST_MODULE}
    assert {name: lines for name, lines in large.items() if name not in LARGER_ON_PURPOSE} == {}


def fresh(program: str, *arguments: str) -> str:
    """Run a program in a new interpreter that sees only the standard library and this package's own requirements."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [sys.executable, "-I", *arguments, "-c", program, str(PACKAGE.parent)]
    result = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_envcheck_loads_nothing_else() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); old = set(sys.modules)\n"
        "import envcheck; print(set(sys.modules) - old)"
    )
    assert fresh(program) == "{'envcheck'}\n"


def test_the_version_loads_no_more_than_the_command_line() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from envcheck.cli.main import run\n"
        "status = run(['--version'])\n"
        "print(); print(status, *{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    status, *loaded = fresh(program).splitlines()[-1].split()
    assert status == "0"
    assert {name for name in loaded if not name.startswith(("_", "sitecustomize", "distutils"))} <= {
        "envcheck",
        "click",
    }


def test_importing_all_of_envcheck_loads_no_framework() -> None:
    names = sorted(module.name for module in ours() if module.room not in ("__main__", "fleet"))
    program = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1])\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*sys.modules)"
    )
    assert NEVER_IN_THE_PARENT.isdisjoint(fresh(program).split())
