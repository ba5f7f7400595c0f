"""What only a Mac has: Rosetta, and the GPU as Metal sees it."""

import json

from envcheck.host import Host
from envcheck.model.facts import Apple
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import files
from envcheck.probes.system import system


def probe(host: Host) -> Apple:
    """Ask sysctl and system_profiler; on other systems every fact is None."""
    name = system(host)
    if isinstance(name, Unknown):
        return all_unknown(Apple, name)
    if name != "Darwin":
        return Apple(rosetta=None, gpu=None, gpu_cores=None, metal=None)
    display = _display(host)
    if isinstance(display, Unknown):
        return all_unknown(Apple, display, rosetta=_rosetta(host))
    cores = str(display.get("sppci_cores", ""))
    return Apple(
        rosetta=_rosetta(host),
        gpu=_text(display, "sppci_model"),
        gpu_cores=int(cores) if cores.isdecimal() else None,
        metal=_text(display, "spdisplays_mtlgpufamilysupport", "spdisplays_metal"),
    )


def _rosetta(host: Host) -> bool | Unknown:
    """Return sysctl.proc_translated, which Macs with an Intel processor do not have."""
    answer = host.run("sysctl", "sysctl.proc_translated")
    if answer is None or isinstance(answer, Unknown):
        return Unknown("failed", "there is no program 'sysctl' on PATH") if answer is None else answer
    return files.table(answer.stdout).get("sysctl.proc_translated") == "1"


def _display(host: Host) -> dict[str, object] | Unknown:
    answer = host.run("system_profiler", "-json", "SPDisplaysDataType", timeout=20.0)
    if answer is None or isinstance(answer, Unknown):
        return Unknown("failed", "there is no program 'system_profiler' on PATH") if answer is None else answer
    try:
        displays = json.loads(answer.stdout)["SPDisplaysDataType"]
    except (ValueError, KeyError, TypeError) as error:
        return Unknown("failed", f"the answer of system_profiler is not understood: {error!r}")
    return displays[0] if displays and isinstance(displays[0], dict) else {}


def _text(display: dict[str, object], *keys: str) -> str | None:
    """Return the first value there is; Apple writes ``spdisplays_metal3`` for 'Metal 3'."""
    value = next((str(display[key]) for key in keys if key in display), None)
    return value.removeprefix("spdisplays_") if value else None
