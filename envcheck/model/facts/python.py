"""The target interpreter and what is installed for it."""

import msgspec

from envcheck.model.facts.kinds import NOT_RECORDED, Flag, OptionalCount, OptionalText, Text, Texts
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


class MarkerEnvironment(Record, frozen=True, kw_only=True):
    """The environment markers of PEP 508 in the target."""

    implementation_name: Text
    implementation_version: Text
    os_name: Text
    platform_machine: Text
    platform_python_implementation: Text
    platform_release: Text
    platform_system: Text
    platform_version: Text
    python_full_version: Text
    python_version: Text
    sys_platform: Text


class Package(Record, frozen=True, kw_only=True):
    """One installed distribution, as its metadata tell."""

    name: str  #: normalised (PEP 503)
    version: OptionalText
    location: str  #: the folder that holds the metadata
    metadata: str  #: the metadata folder or file
    installer: OptionalText  #: ``pip``, ``uv``, ``conda``, ... in lower case; None: nothing tells
    requested: Flag  #: the user asked for it by name
    editable: Flag
    wheel_tags: Texts
    requires: Texts  #: Requires-Dist, with their markers
    requires_python: OptionalText
    top_level: Texts  #: the import names that it provides
    files_missing: Texts  #: code named in RECORD but not on disk (the first few)
    files_truncated: Texts = NOT_RECORDED  #: shared libraries shorter than RECORD and their own header say (first few)
    folders_denied: Texts = NOT_RECORDED  #: of its folders, those that this user may not read
    source_url: OptionalText = NOT_RECORDED  #: what it was installed from, if not from an index (direct_url.json)


class CondaPackage(Record, frozen=True, kw_only=True):
    """One package of a conda environment, Python or not, as ``conda-meta`` tells."""

    name: str
    version: OptionalText
    build: OptionalText  #: such as ``cpu_py311h6ac8430_3`` or ``cuda120py39hc50ef5f_0``
    channel: OptionalText


class Shadow(Record, frozen=True, kw_only=True):
    """A file or folder that an import meets before the installed package or the standard library."""

    module: str
    path: str
    found_in: str  #: ``working-directory``, ``PYTHONPATH``, ``startup-file`` or ``user-site``
    hides: OptionalText  #: what it hides: a path, or ``standard library``; None: nothing else has the name
    set_by: OptionalText = None  #: the .pth file or sitecustomize.py that names its folder; None: another reason


class Certificates(Record, frozen=True, kw_only=True):
    """Where the target's ssl module finds the root certificates by which downloads are checked."""

    places: Texts  #: files and folders that are there and not empty; (): nothing is trusted
    expected: Texts  #: where it looks, whether that exists or not
    variables: Texts  #: of SSL_CERT_FILE and SSL_CERT_DIR, those that are set


class Project(Record, frozen=True, kw_only=True):
    """The project that the environment belongs to: the tool that made both keeps a lock file of the packages."""

    tool: OptionalText  #: ``uv``, ``poetry``, ``pdm`` or ``pixi``; None: the environment belongs to no project
    folder: OptionalText  #: where its ``pyproject.toml`` lies; None: no project, or it was not found
    asked_for: Texts  #: names of the packages that the project file itself asks for
    locked: Texts  #: what the lock file holds, as ``name==version``
    other_environment_active: Flag  #: the shell is in another environment, which Poetry would take for this one


class Python(Record, frozen=True, kw_only=True):
    """The target interpreter and what is installed for it."""

    target: Text  #: what was asked for, or the environment that was found
    chosen_by: (
        Text  #: ``--python``, ``--kernel``, ``VIRTUAL_ENV``, ``CONDA_PREFIX`` or ``the interpreter that runs envcheck``
    )
    executable: OptionalText
    runs: Flag  #: it starts, and a worker of envcheck runs in it, if need be with ``-I``
    failure: OptionalText  #: why it does not start as it is: one of the words in ``probes/interpreter_start.py``
    failure_detail: OptionalText  #: what it printed, or what is missing
    isolated_only: Flag  #: it starts with ``-I`` alone: the user's own variables or folders break it
    version: OptionalText
    implementation: OptionalText
    bits: OptionalCount
    machine: OptionalText  #: the architecture that the interpreter was built for
    prefix: OptionalText
    base_prefix: OptionalText
    environment: OptionalText  #: ``venv``, ``conda`` or ``system``
    externally_managed: Flag
    installer: OptionalText  #: what the environment is managed with: ``pip``, ``uv``, ``conda``, ``poetry``, ``pdm``
    path: Texts  #: sys.path
    site_packages: Texts
    user_site: OptionalText
    user_site_enabled: Flag
    markers: MarkerEnvironment
    packages: tuple[Package, ...] | Unknown  #: in the order of sys.path
    shadows: tuple[Shadow, ...] | Unknown
    stdlib: OptionalText = NOT_RECORDED  #: the folder of the standard library
    soabi: OptionalText = NOT_RECORDED  #: what compiled modules must fit, such as ``cpython-311-x86_64-linux-gnu``
    free_threaded: Flag = NOT_RECORDED  #: built without the global interpreter lock
    mac_version: OptionalText = NOT_RECORDED  #: what this Python takes the release of macOS for; None: not on macOS
    venv_home: OptionalText = NOT_RECORDED  #: pyvenv.cfg: the folder of the interpreter it was made from
    venv_version: OptionalText = NOT_RECORDED  #: pyvenv.cfg: the Python it was made with
    system_site_packages: Flag = NOT_RECORDED  #: pyvenv.cfg: the packages of that interpreter are seen too
    stranded_site_packages: Texts = NOT_RECORDED  #: below the prefix, but of a Python version that does not look there
    venv_without_cfg: OptionalText = (
        NOT_RECORDED  #: the virtual environment around the interpreter, if its pyvenv.cfg is gone; None: it is not
    )
    leftovers: Texts = NOT_RECORDED  #: ``~name`` folders that an interrupted pip left behind
    conda_packages: tuple[CondaPackage, ...] | Unknown = NOT_RECORDED
    conda_program: OptionalText = (
        NOT_RECORDED  #: ``conda``, ``mamba`` or ``micromamba``, whichever is on PATH, or else its path
    )
    certificates: Certificates = msgspec.field(default_factory=lambda: all_unknown(Certificates, NOT_RECORDED))
    project: Project = msgspec.field(default_factory=lambda: all_unknown(Project, NOT_RECORDED))
