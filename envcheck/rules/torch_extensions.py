"""Compiled extensions of PyTorch, whose wheels are made for one release of it each."""

import re
from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import interpreter, python
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, for_each, minor_of, version_of
from envcheck.words import template

PYG = "https://data.pyg.org/whl/"
MADE_FOR_ONE_TORCH = {
    "flash-attn": "https://github.com/Dao-AILab/flash-attention/releases",
    "pyg-lib": PYG,
    "torch-scatter": PYG,
    "torch-sparse": PYG,
}
"""Packages whose wheels are made for one release of PyTorch each, and where they are."""
BUILT_FOR_TORCH = re.compile(r"torch-?(\d+\.\d+)|(?<![a-z])pt(\d)(\d)(?!\d)")
"""How these wheels name their PyTorch: flash_attn-2.6.0+cu122torch2.4cxx11abiFALSE (Dao-AILab/flash-attention#975),
torch_scatter-2.1.2+pt20cu118 (rusty1s/pytorch_scatter#414), pt25cu124 for pyg_lib and torch_sparse
(neurodesk/neurocontainers#2945); read on 2026-11-23. Three digits are not read: pt210 may be 2.10 or 2.1.0."""

BUILD_AGAIN = template("Build {package} again, against the PyTorch that is installed")
TAKE_WHEEL = template("Install the wheel of {package} that was made for PyTorch {version}")


@rule(
    "torch-extension-abi-mismatch",
    severity="warning",
    layer="backend",
    title=template("{package} was compiled for PyTorch {built_for}, and PyTorch {version} is installed"),
    message=template(
        "{package} holds compiled code that is made for one release of PyTorch. Its wheel is for {built_for}, and "
        "{version} is installed: importing it can end with 'undefined symbol' or a crash."
    ),
)
def torch_extension_abi_mismatch(facts: Facts) -> Iterator[Failure]:
    """A compiled extension of PyTorch, such as flash-attn or torch-scatter, was made for another PyTorch.

    PyTorch was updated, or the wheel was taken from another line of the download page. Sign: 'undefined symbol:
    _ZN3c10...'. It is told from the name of the wheel; extensions that were compiled here bear no such mark. It is a
    warning: the name is no proof, and neither PyTorch nor Keras imports these packages.
    """
    torch = backend(facts, "torch")
    if torch is None:
        raise NotApplicable("PyTorch is not installed")
    version = version_of(need(torch[1].version))

    def check(index: int, found: Package) -> Iterator[Failure]:
        built_for = _built_for_torch(found)
        if version is None or built_for is None or built_for == minor_of(version):
            return
        wheels = MADE_FOR_ONE_TORCH[found.name]
        yield Failure(
            evidence=(
                f"/python/packages/{index}/version",
                f"/python/packages/{index}/source_url",
                f"/backends/{torch[0]}/version",
            ),
            fields={"package": found.name, "built_for": built_for, "version": version},
            fixes=(
                _build_again(facts, found.name, wheels),
                by_hand(TAKE_WHEEL, wheels, package=found.name, version=minor_of(version)),
            ),
            subject="torch",
        )

    yield from for_each(need(facts.python.packages), check)


def _build_again(facts: Facts, name: str, source: str) -> Fix:
    """Return the fix that compiles a package here, where the installed PyTorch can be seen by its build."""
    options = shell.words("--no-build-isolation", "--no-deps", name)
    if known(facts.python.installer, None) == "uv":
        command = f"uv pip install -p {interpreter(facts)} --reinstall --no-cache {options}"
    else:
        command = f"{python(facts)} -m pip install --force-reinstall --no-cache-dir {options}"
    return in_shell(BUILD_AGAIN, command, source=source, risk="environment", package=name)


def _built_for_torch(found: Package) -> str | None:
    """Return the PyTorch that the name of a wheel or the local part of a version tells."""
    if found.name not in MADE_FOR_ONE_TORCH:
        return None
    local = (known(found.version, None) or "").partition("+")[2]
    wheel = (known(found.source_url, None) or "").replace("%2B", "+").rpartition("/")[2].partition("+")[2]
    match = BUILT_FOR_TORCH.search(local) or BUILT_FOR_TORCH.search(wheel)
    return (match[1] or f"{match[2]}.{match[3]}") if match else None
