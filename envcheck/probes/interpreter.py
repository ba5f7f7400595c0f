"""The target interpreter: what it tells of itself, and where it does not start, what its files tell."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from envcheck.host import Host
from envcheck.model.facts import Certificates, MarkerEnvironment, Python
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown, known
from envcheck.probes import elf, installer, interpreter_start, packages, prefix, project, shadows
from envcheck.probes.interpreter_start import Start
from envcheck.probes.target import Target, TargetError


def probe(host: Host, target: Target) -> Python:
    """Look at the target.

    Raises:
        TargetError: if what ``--python`` names starts, is no Python, and does not lie in an environment either.
    """
    executable = target.executable
    if executable is None:
        gone = target.prefix is not None and prefix.base_is_gone(host, target.prefix)
        failure = "base-interpreter-missing" if gone else "not-found"
        begun = Start(None, failure, f"{target.prefix} holds no Python interpreter")
    else:
        begun = interpreter_start.start(host, executable, target.prefix)
        _refuse_what_is_no_python(host, target, begun)
    if begun.facts is None:
        python, builtin = _from_files(host, target, begun), frozenset[str]()
    else:
        python, builtin = _from_answer(host, target, begun, begun.facts), frozenset(begun.facts["builtin_modules"])
    found = packages.find(host, known(python.path, known(python.site_packages, ())), known(python.prefix, None))
    environment = known(python.prefix, None)
    manager = installer.manager(host, environment, found.packages)
    return msgspec.structs.replace(
        python,
        packages=found.packages,
        leftovers=found.leftovers,
        conda_packages=found.conda_packages,
        installer=manager,
        project=project.find(host, environment, manager),
        conda_program=installer.conda_program(host) if python.environment == "conda" else None,
        shadows=shadows.find(host, python, builtin),
    )


def _refuse_what_is_no_python(host: Host, target: Target, begun: Start) -> None:
    if target.chosen_by != "--python" or begun.failure not in ("not-python", "no-answer"):
        return
    if target.prefix is not None and prefix.is_environment(host, target.prefix):
        return
    said = (begun.detail or "it printed nothing").splitlines()[0]
    raise TargetError(f"{target.name} is not a Python interpreter: {said}")


def _from_answer(host: Host, target: Target, begun: Start, facts: Mapping[str, Any]) -> Python:
    executable = facts["executable"] or target.executable
    root = facts["prefix"]
    header = elf.read(host.unrooted(), str(executable))
    settings = prefix.venv(host, root)
    is_venv = root != facts["base_prefix"]
    return Python(
        target=target.name,
        chosen_by=target.chosen_by,
        executable=executable,
        runs=True,
        failure=begun.failure,
        failure_detail=begun.detail,
        isolated_only=begun.isolated_only,
        version=facts["version"],
        implementation=facts["implementation"],
        bits=facts["bits"],
        machine=header.machine if isinstance(header, elf.Elf) else facts["machine"],
        prefix=root,
        base_prefix=facts["base_prefix"],
        environment=_environment(host, root, is_venv),
        externally_managed=facts["externally_managed"] and not is_venv,
        installer=None,
        path=tuple(facts["path"]),
        site_packages=tuple(facts["site_packages"]),
        user_site=facts["user_site"],
        user_site_enabled=facts["user_site_enabled"],
        markers=MarkerEnvironment(**facts["markers"]),
        packages=(),
        shadows=(),
        stdlib=facts["stdlib"],
        soabi=facts["soabi"],
        free_threaded=facts["free_threaded"],
        mac_version=facts["mac_version"],
        venv_home=settings.home if settings else None,
        venv_version=settings.version if settings else None,
        system_site_packages=settings.system_site_packages if settings else False,
        stranded_site_packages=_stranded(host, root, facts["path"]) if is_venv else (),
        venv_without_cfg=_without_cfg(host, str(executable), root, facts["path"]),
        certificates=_certificates(facts["certificates"]),
    )


def _certificates(told: Mapping[str, Any] | None) -> Certificates:
    if told is None:
        return all_unknown(Certificates, Unknown("unsupported", "its ssl module does not tell where it looks"))
    return msgspec.convert(told, Certificates)


def _from_files(host: Host, target: Target, begun: Start) -> Python:
    reason = "this Python is too old to be asked" if begun.failure == "too-old" else "the interpreter does not start"
    silent = Unknown("unsupported" if begun.failure == "too-old" else "failed", reason)
    root = target.prefix
    settings = prefix.venv(host, root) if root else None
    header = elf.read(host.unrooted(), target.executable) if target.executable else None
    return all_unknown(
        Python,
        silent,
        target=target.name,
        chosen_by=target.chosen_by,
        executable=target.executable,
        runs=False,
        failure=begun.failure,
        failure_detail=begun.detail,
        isolated_only=False,
        version=begun.version or (prefix.version(host, root) if root else None) or silent,
        implementation=(settings.implementation if settings else None) or silent,
        bits=header.bits if isinstance(header, elf.Elf) else silent,
        machine=header.machine if isinstance(header, elf.Elf) else silent,
        prefix=root or silent,
        environment=_environment(host, root, settings is not None) if root else silent,
        site_packages=_installed_folders(host, root) if root else silent,
        venv_home=settings.home if settings else None,
        venv_version=settings.version if settings else None,
        system_site_packages=settings.system_site_packages if settings else False,
    )


def _environment(host: Host, root: str, is_venv: bool) -> str:
    if is_venv:
        return "venv"
    return "conda" if prefix.is_conda(host, root) else "system"


def _installed_folders(host: Host, root: str) -> tuple[str, ...]:
    folders = prefix.site_packages(host, root)
    # Debian keeps what apt installs in /usr and what pip installs in /usr/local.
    return (*prefix.site_packages(host, "/usr/local"), *folders) if root == "/usr" else folders


def _without_cfg(host: Host, executable: str, root: str, path: list[str]) -> str | None:
    """Return the folder around the interpreter if it was a virtual environment and holds packages that are not seen."""
    folder = os.path.dirname(os.path.dirname(executable))
    was_one = host.unrooted().is_file(os.path.join(folder, "bin", "activate"))
    if folder == root or not was_one or prefix.is_environment(host, folder):
        return None
    return folder if _stranded(host, folder, path) else None


def _stranded(host: Host, root: str, path: list[str]) -> tuple[str, ...]:
    """Return the folders of packages below ``root`` that this interpreter does not look into, if they hold any."""
    seen = {os.path.realpath(entry) for entry in path}
    folders = [folder for folder in prefix.site_packages(host, root) if os.path.realpath(folder) not in seen]
    return tuple(folder for folder in folders if host.unrooted().list_dir(folder) not in ((), None))
