"""JAX and the packages that must be of one release with it."""

from collections.abc import Iterator

from envcheck.fixes import gpu_builds, solved
from envcheck.fixes.packages import change, shows
from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.requirements import wrong_version
from envcheck.rules.shared import backend, error_unless_proven, nvidia_gpus, package, version_of
from envcheck.words import template

VERSIONING = "https://docs.jax.dev/en/latest/jep/9419-jax-versioning.html"
MATCHING_JAXLIB = template("Install the jaxlib of JAX {version}")
REMOVE_PLUGINS = template("Remove the plug-ins, and run on the processor")
CUDA_MAJORS = (12, 13)


@rule(
    "jax-jaxlib-version-mismatch",
    severity="error",
    layer="backend",
    title=template("jaxlib {jaxlib} does not go with JAX {jax}"),
    message=template(
        "JAX {jax} asks for {wanted}, and jaxlib {jaxlib} is installed. jaxlib is the compiled half of JAX; with "
        "another one 'import jax' refuses to go on or fails with 'has no attribute'."
    ),
    after=("user-site-shadows-environment",),
)
def jax_jaxlib_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """jax and jaxlib, its compiled half, are of releases that do not belong together.

    jaxlib must not be newer than jax, and not older than the release that jax names. Updating one of them alone does
    this. Sign: 'jaxlib version ... is newer than and incompatible with jax version'.
    """
    if backend(facts, "jax") is None:
        raise NotApplicable("JAX is not installed")
    for found, conflict, framework in wrong_version(facts, "jaxlib"):
        if found.name != "jax":
            continue
        version = known(found.version, None)
        yield Failure(
            evidence=conflict.evidence(),
            fields={"jax": version, "jaxlib": conflict.found_version, "wanted": conflict.wanted},
            fixes=(
                solved.change(
                    facts,
                    MATCHING_JAXLIB,
                    {"version": version},
                    add=(f"jax=={version}", conflict.wanted),
                    source=VERSIONING,
                    verify=shows(facts, "jax"),
                ),
            ),
            subject=framework,
            severity=error_unless_proven(facts, framework),
        )


def _plugins(facts: Facts) -> list[tuple[int, Package]]:
    names = [f"jax-cuda{major}-{part}" for major in CUDA_MAJORS for part in ("plugin", "pjrt")]
    return [place for place in (package(facts, name) for name in names) if place]


@rule(
    "jax-cuda-plugin-version-mismatch",
    severity="error",
    layer="backend",
    title=template("JAX's CUDA plug-in does not go with jaxlib {jaxlib}"),
    message=template(
        "Installed are jaxlib {jaxlib} and {plugins}. JAX and the packages of its plug-in must be of one release, "
        "and of one CUDA version; otherwise JAX passes the plug-in over, or dies when it loads it."
    ),
)
def jax_cuda_plugin_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """The packages of JAX's CUDA plug-in are not of jaxlib's release, or there are plug-ins for two CUDA versions.

    Updating jax alone leaves the plug-in behind. Signs: 'is installed, but it is not compatible with the installed
    jaxlib version', 'Mismatched PJRT plugin'. It is a warning where no NVIDIA GPU is there and JAX can be imported.
    """
    jax = backend(facts, "jax")
    if jax is None:
        raise NotApplicable("JAX is not installed")
    plugins = _plugins(facts)
    if not plugins:
        raise NotApplicable("JAX has no CUDA plug-in")
    library = package(facts, "jaxlib")
    if library is None:
        return
    wanted = version_of(need(library[1].version))
    versions = {version_of(need(found.version)) for _, found in plugins}
    majors = {found.name[len("jax-cuda") :].partition("-")[0] for _, found in plugins}
    if versions == {wanted} and len(majors) == 1:
        return
    names = tuple(found.name for _, found in plugins)
    version = known(jax[1].version, None)
    harmless = not nvidia_gpus(facts) and known(jax[1].imported.status, "") == "ok"
    remove = change(facts, REMOVE_PLUGINS, remove=names, source=gpu_builds.JAX, verify=shows(facts, "jax"))
    kept = int(next(iter(majors))) if len(majors) == 1 else None
    again = gpu_builds.jax(facts, remove=names, version=version, major=kept)
    yield Failure(
        evidence=tuple(f"/python/packages/{place}/version" for place, _ in (library, *plugins)),
        fields={
            "jaxlib": wanted,
            "plugins": ", ".join(f"{found.name} {known(found.version, None)}" for _, found in plugins),
        },
        fixes=(remove,) if harmless else (again, remove),
        subject="jax",
        severity="warning" if harmless else "error",
    )
