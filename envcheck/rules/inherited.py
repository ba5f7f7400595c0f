"""Settings of a shell that do not reach the programs that no shell started."""

import posixpath
from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand
from envcheck.fixes.system import by_system
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.searches import Found, for_each_search, has_them, severity
from envcheck.rules.shared import listed, title_of, variable
from envcheck.words import sentence, template

LOADER = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
TO_CACHE = template("Tell the loader of the folder, for every program: its list does not depend on a shell")
IN_KERNEL = template("Set the variable where the program is started: 'env' of kernel.json, Environment= of a service")


@rule(
    "ld-library-path-not-inherited",
    severity="error",
    layer="platform",
    title=template("The library path of your shell does not reach this process"),
    message=template(
        "{framework} does not find {wanted}. The files lie in {folder}, and {file} puts that folder into "
        "LD_LIBRARY_PATH; but no shell that reads that file started this process, and it has other settings."
    ),
)
def ld_library_path_not_inherited(facts: Facts) -> Iterator[Failure]:
    """LD_LIBRARY_PATH is set in a file that shells read, and this process was not started by such a shell.

    Editors, services, sudo, cron and notebook servers do not read .bashrc. Setting the variable inside Python is too
    late: the loader reads it once, at the start of the process.
    """
    files = need(facts.platform.startup_files)
    if not files:
        raise NotApplicable("no file of a shell sets LD_LIBRARY_PATH")
    present = variable(facts, "LD_LIBRARY_PATH")
    have = {folder.rstrip("/") for folder in present[1].split(":")} if present else set()
    told = {
        folder: (number, file.path)
        for number, file in enumerate(files)
        for folder in need(file.folders)
        if folder not in have
    }

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        missing = [found for found in searches if found.winner is None and not has_them(backend)]
        there = [
            (found, pointer, posixpath.dirname(candidate.path))
            for found in missing
            for pointer, candidate in found.others()
            if not candidate.reachable and posixpath.dirname(candidate.path) in told
        ]
        if there:
            _, pointer, folder = there[0]
            number, file = told[folder]
            command = f"echo {shell.words(folder)} | sudo tee /etc/ld.so.conf.d/envcheck-cuda.conf"
            yield Failure(
                evidence=(f"/platform/startup_files/{number}/folders", f"{pointer}/path"),
                fields={
                    "framework": title_of(backend.name),
                    "wanted": listed(dict.fromkeys(found.search.soname for found, _, _ in there)),
                    "folder": folder,
                    "file": file,
                },
                fixes=(
                    by_system(TO_CACHE, (command, "sudo ldconfig"), LOADER, restart="kernel", verify="envcheck report"),
                    by_hand(IN_KERNEL, LOADER),
                ),
                subject=backend.name,
                severity=severity(facts, backend),
            )

    yield from for_each_search(facts, check)


DECIDING = (
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "KERAS_HOME",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "TF_USE_LEGACY_KERAS",
    "XLA_FLAGS",
)
"""Variables that decide which libraries, which Keras and which GPUs a program gets."""
SYSTEMD = "https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Environment="
START_AGAIN = template("Start it again from a shell with these settings, or set them where it is started: {where}")
WHERE = {
    "ipykernel_launcher": template("'env' in the kernel's kernel.json"),
    "jupyterhub-singleuser": template("c.Spawner.environment of JupyterHub"),
}
IN_UNIT = template("Environment= of its service, or the job script")
NOT_SET = template("not set")
DIFFERENCE = template("{name} (there: {there}; here: {here})")


@rule(
    "service-environment-differs",
    severity="info",
    layer="platform",
    title=template("{program} runs with other settings than this shell"),
    message=template(
        "{program} (process {pid}) was started with other variables than those that envcheck sees: {differences}. "
        "What works here can fail there, and the other way round. A running process does not notice later changes."
    ),
)
def service_environment_differs(facts: Facts) -> Iterator[Failure]:
    """A server or a notebook kernel has its environment from the moment and the place where it was started.

    Services, notebook servers and jobs do not read the files of a shell. It is a note: the difference may be meant.
    """
    servers = need(facts.platform.volatile.servers)
    here = {found.name: found.value for found in need(facts.platform.environment)}
    for number, server in enumerate(servers):
        there = {found.name: found.value for found in server.environment}
        differences = [
            sentence(DIFFERENCE, name=name, there=_shown(there.get(name)), here=_shown(here.get(name)))
            for name in DECIDING
            if there.get(name) != here.get(name)
        ]
        if differences:
            where = sentence(WHERE.get(server.program, IN_UNIT))
            yield Failure(
                evidence=(f"/platform/volatile/servers/{number}/environment", "/platform/environment"),
                fields={"program": server.program, "pid": server.pid, "differences": listed(differences)},
                fixes=(by_hand(START_AGAIN, SYSTEMD, where=where),),
                subject=server.program,
            )
            return


def _shown(value: str | None) -> str:
    return sentence(NOT_SET) if value is None else f"'{value}'"
