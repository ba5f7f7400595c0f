"""Whether a framework is installed, and can be."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.packages import shows
from envcheck.fixes.solved import change, new_environment
from envcheck.knowledge.frameworks import newest, pythons
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Undecided, Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import chosen_on_purpose, listed, minor_of, title_of, version_of
from envcheck.words import template

FIRST_CHOICES = ("tensorflow", "torch", "jax")
KERAS = "https://keras.io/getting_started/"
INSTALL_KERAS = template("Install Keras with {framework}")


@rule(
    "framework-not-installed",
    severity="error",
    layer="backend",
    title=template("No deep-learning framework is installed for this Python"),
    message=template(
        "None of {frameworks} is installed for {python}. If you installed one, it went to another Python: compare "
        "with '{compare}', or name the right one with 'envcheck report --python PATH'."
    ),
    after=(
        "macos-intel-wheels-dropped",
        "macos-version-reported-too-old",
        "pip-too-old",
        "python-version-unsupported",
        "python-32-bit",
        "musl-libc-no-wheels",
        "environment-of-other-python",
        "venv-configuration-missing",
    ),
)
def framework_not_installed(facts: Facts) -> Iterator[Failure]:
    """The target has neither TensorFlow nor JAX nor PyTorch nor any other framework that Keras can run on.

    "No module named 'tensorflow'" usually means that pip, the terminal and the notebook use different Pythons. The
    safe way to install is 'python -m pip install', with the very python that will run the program. Where one framework
    is there, the others are not missed.
    """
    backends = [(index, found) for index, found in enumerate(need(facts.backends)) if found.keras_backend]
    if not backends:
        raise NotApplicable("no framework was looked for")
    # One that Keras cannot use, such as PaddlePaddle, is a framework too.
    if any(need(found.installed) for found in need(facts.backends)):
        return
    yield Failure(
        evidence=tuple(f"/backends/{index}/installed" for index, _ in backends),
        fields={
            "frameworks": listed(title_of(found.name) for _, found in backends),
            "python": known(facts.python.executable, None) or "the target",
            "compare": "Get-Command -All python, pip" if shell.is_powershell(facts) else "which -a python pip",
        },
        fixes=tuple(
            fix for name in _choices(facts) if _has_wheel(facts, name) and (fix := _install(facts, name)).commands
        ),
    )


def _choices(facts: Facts) -> tuple[str, ...]:
    """Return the frameworks to offer: first the one that the user's KERAS_BACKEND names."""
    sources = known(facts.keras.backend_sources, ())
    named = next((known(source.value, None) for source in sources if source.source == "KERAS_BACKEND"), None)
    return tuple(sorted(FIRST_CHOICES, key=lambda name: name != named))


def _install(facts: Facts, framework: str) -> Fix:
    return change(
        facts,
        INSTALL_KERAS,
        {"framework": title_of(framework)},
        add=("keras", framework),
        source=KERAS,
        verify=shell.with_variable(facts, "KERAS_BACKEND", framework, shows(facts, "keras")),
    )


def _python_minor(facts: Facts) -> str | None:
    version = version_of(known(facts.python.version, None))
    return minor_of(version) if version else None


def _has_wheel(facts: Facts, framework: str) -> bool:
    """Say whether the framework has a wheel for the target's Python, as far as envcheck knows."""
    minor = _python_minor(facts)
    return minor is None or newest(framework, minor) is not None


@rule(
    "python-version-unsupported",
    severity="error",
    layer="python",
    title=template("{framework} has no package for Python {python}"),
    message=template(
        "{framework} is wanted here and not installed, and there is no package of it for Python {python}: it has "
        "some for Python {first} to {last}. pip then says 'No matching distribution found' or lists other versions."
    ),
    after=("python-32-bit", "musl-libc-no-wheels"),
)
def python_version_unsupported(facts: Facts) -> Iterator[Failure]:
    """The framework is not made for this version of Python, so it cannot be installed.

    New Python releases come out every October; frameworks follow months later, TensorFlow last. Make an environment
    with an older Python. envcheck says this only of the framework that Keras was told to use, or where no framework is
    installed and none can be.
    """
    version = version_of(need(facts.python.version))
    if version is None:
        raise NotApplicable("the version of the target's Python is not a number")
    minor = minor_of(version)
    backends = need(facts.backends)
    nothing = not any(need(found.installed) for found in backends)
    chosen = known(facts.keras.backend, None)
    if nothing and not any(minor in pythons(name) for name in FIRST_CHOICES):
        wanted = FIRST_CHOICES[0]
    elif chosen is not None and chosen_on_purpose(facts):
        wanted = chosen
    else:
        return
    supported = pythons(wanted)
    index = next((place for place, found in enumerate(backends) if found.name == wanted), None)
    if index is None or need(backends[index].installed) or not supported or minor in supported:
        return
    if Version(minor) < Version(supported[0]):
        raise Undecided(Unknown("unsupported", f"the table of packages begins with Python {supported[0]}"))
    yield Failure(
        evidence=("/python/version", f"/backends/{index}/installed"),
        fields={
            "framework": title_of(wanted),
            "python": minor,
            "first": supported[0],
            "last": supported[-1],
        },
        fixes=(new_environment(facts, "keras", wanted),),
        subject=None if nothing else wanted,
    )
