"""Where the target lies and what it trusts: a disk that forbids execution, missing certificates."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import python
from envcheck.fixes.solved import new_environment
from envcheck.model.facts import Facts, FileSystem
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import distribution, listed, minor_of, package, version_of
from envcheck.words import template

MOUNT = "https://man7.org/linux/man-pages/man8/mount.8.html"
SSL = "https://docs.python.org/3/library/ssl.html#ssl.get_default_verify_paths"
REMOUNT = template("Allow execution there (mount option exec, not noexec), or move the environment to another disk")
UNSET = template("Remove {names} from the environment, also where it is set, or let it name what exists")
OF_CERTIFI = template("Use the certificates of the package certifi")
OF_SYSTEM = template("Install the system's certificates: the package ca-certificates")
MAC_SCRIPT = template("Run 'Install Certificates.command' in the folder of this Python below Applications")


@rule(
    "filesystem-noexec",
    severity="error",
    layer="python",
    title=template("The environment lies on a disk that forbids execution"),
    message=template(
        "{path} is on a file system that is mounted with 'noexec'. Compiled parts of packages cannot be loaded from "
        "there: 'failed to map segment from shared object'."
    ),
)
def filesystem_noexec(facts: Facts) -> Iterator[Failure]:
    """The packages lie where the system lets nothing be executed, and a compiled module counts as a program.

    USB disks, /tmp and /home of hardened systems are mounted like that. Python itself may start, since its program lies
    elsewhere. Nothing is said where a framework was imported all the same.
    """
    found = _file_system(facts, "target")
    if found is None:
        raise NotApplicable("the target's file system was not looked at")
    place, disk = found
    if need(disk.executable):
        return
    backends = known(facts.backends, ())
    if any(known(backend.imported.status, None) == "ok" for backend in backends):
        return
    yield Failure(
        evidence=(f"/platform/filesystems/{place}/executable", f"/platform/filesystems/{place}/path"),
        fields={"path": disk.path},
        fixes=(*_elsewhere(facts), by_hand(REMOUNT, MOUNT)),
    )


def _file_system(facts: Facts, purpose: str) -> tuple[int, FileSystem] | None:
    disks = enumerate(need(facts.platform.filesystems))
    return next(((place, disk) for place, disk in disks if disk.purpose == purpose), None)


def _elsewhere(facts: Facts) -> tuple[Fix, ...]:
    """Return the fix that makes an environment in the home folder, if programs may be executed there."""
    version = version_of(known(facts.python.version, None))
    home = _file_system(facts, "home")
    if version is None or home is None or known(home[1].executable, False) is not True:
        return ()
    there = [("keras", facts.keras.version)] if known(facts.keras.installed, False) else []
    there += [
        (distribution(found), found.version) for found in known(facts.backends, ()) if known(found.installed, False)
    ]
    releases = ((name, version_of(known(version, None))) for name, version in there)
    wanted = (f"{name}=={release.public}" if release else name for name, release in releases)
    return (new_environment(facts, *wanted, python=minor_of(version)),)


@rule(
    "ssl-certificates-missing",
    severity="warning",
    layer="python",
    title=template("The target Python has no certificates to check downloads by"),
    message=template(
        "Its ssl module looks for root certificates in {places}, and nothing is there. Downloads of weights and data "
        "sets end with CERTIFICATE_VERIFY_FAILED; pip brings its own certificates and works."
    ),
)
def ssl_certificates_missing(facts: Facts) -> Iterator[Failure]:
    """Python finds no root certificates, so that every download over https is refused.

    Python of python.org for macOS needs one more step after its installation; small containers lack the package
    ca-certificates; SSL_CERT_FILE or SSL_CERT_DIR may name what is gone. Sign: 'unable to get local issuer
    certificate'. It is a note in a container, where programs often download nothing.
    """
    certificates = facts.python.certificates
    if need(certificates.places):
        return
    expected = need(certificates.expected)
    names = need(certificates.variables)
    slim = not names and known(facts.platform.container, None) is not None
    yield Failure(
        evidence=("/python/certificates/places", "/python/certificates/expected"),
        fields={"places": listed(expected) or "no folder"},
        fixes=_certificates(facts, names),
        severity="info" if slim else "warning",
    )


def _certificates(facts: Facts, names: tuple[str, ...]) -> tuple[Fix, ...]:
    if names:
        return (in_shell(UNSET, shell.unset(facts, *names), source=SSL, names=listed(names)),)
    if known(facts.platform.system, None) == "Darwin":
        return (by_hand(MAC_SCRIPT, SSL),)
    ways = [by_hand(OF_SYSTEM, SSL)]
    if package(facts, "certifi"):
        export = f'export SSL_CERT_FILE="$({python(facts)} -m certifi)"'
        ways.insert(0, in_shell(OF_CERTIFI, export, source=SSL))
    return tuple(ways)
