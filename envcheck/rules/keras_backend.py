"""Which backend Keras is told to use, and whether it can."""

import difflib
from collections.abc import Iterator

import msgspec

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell, move_aside
from envcheck.fixes.packages import shows
from envcheck.fixes.solved import change
from envcheck.model.facts import Facts, Keras
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import DEFAULT_BACKEND, chosen_on_purpose, listed, title_of
from envcheck.words import sentence, template

CONFIGURE = "https://keras.io/getting_started/#configuring-your-backend"
OTHER_NAMES = {"pytorch": "torch", "tf": "tensorflow", "jaxlib": "jax"}
CHOOSE = template("Tell Keras to use {framework}, which is installed")
INSTALL = template("Install {framework}")
MOVE_CONFIG = template("Move the file away: {path}. Keras writes a new one")
MAKESHIFT = template("The home folder cannot be written to, so Keras keeps its settings in {path}, for a while.")
NOT_WRITABLE = template("Keras keeps its settings and downloaded weights beside {path}, where this user may not write.")
ANOTHER_HOME = template("Set KERAS_HOME to a folder that this user may write to and that stays")
MOVE_AND_CHOOSE = template("Move the file away, {path}, and name the backend in a variable")
ABSENT_CAUSES = (
    "framework-not-installed",
    "python-version-unsupported",
    "pythonpath-shadows-environment",
    "startup-file-shadows-environment",
    "venv-configuration-missing",
)
STOPS = template("'import keras' fails because of it.")
PASSED_OVER = template("Keras passes it over in silence and takes its defaults.")


def _keras(facts: Facts) -> Keras:
    if not need(facts.keras.installed):
        raise NotApplicable("Keras is not installed")
    return facts.keras


def _source(keras: Keras, name: str) -> tuple[int, str] | None:
    """Return what one source says of the backend, and its place."""
    for index, source in enumerate(need(keras.backend_sources)):
        if source.source == name and source.value is not None:
            return index, need(source.value) or ""
    return None


def _installed(facts: Facts) -> list[str]:
    """Return the backends that this Keras has code for and that are installed."""
    available = known(facts.keras.backends_available, ())
    there = (found.name for found in known(facts.backends, ()) if known(found.installed, False))
    return [name for name in there if name in available]


def _choose(facts: Facts, *names: str) -> tuple[Fix, ...]:
    """Return the fixes that choose one of these backends, in the shell at hand."""
    return tuple(
        in_shell(
            CHOOSE,
            shell.export(facts, "KERAS_BACKEND", name),
            source=CONFIGURE,
            verify=shows(facts, "keras"),
            framework=title_of(name),
        )
        for name in names
    )


def _meant(word: str, available: tuple[str, ...]) -> list[str]:
    """Return the backend that a wrong name most likely stands for."""
    word = word.strip().lower()
    if OTHER_NAMES.get(word) in available:
        return [OTHER_NAMES[word]]
    return difflib.get_close_matches(word, available, n=1)


@rule(
    "keras-backend-unknown",
    severity="error",
    layer="keras",
    title=template("KERAS_BACKEND names a backend that Keras does not have: '{value}'"),
    message=template(
        "The environment variable KERAS_BACKEND is '{value}'. Keras {version} knows {available}; with any other name "
        "'import keras' fails with 'Unable to import backend'."
    ),
)
def keras_backend_unknown(facts: Facts) -> Iterator[Failure]:
    """The variable KERAS_BACKEND holds a word that is no backend of this Keras.

    The names are those of the Python modules, in small letters: 'torch', not 'pytorch'; 'tensorflow', not 'tf'. Theano
    and CNTK went with Keras 2.3.
    """
    keras = _keras(facts)
    found = _source(keras, "KERAS_BACKEND")
    if found is None:
        raise NotApplicable("KERAS_BACKEND is not set")
    available = need(keras.backends_available)
    index, value = found
    if keras.flavour == "keras-2-multi-backend" and "." in value:
        raise NotApplicable("it names a module of another package, which this Keras imports (load_backend.py of 2.2)")
    if keras.backend_chosen_by == "KERAS_BACKEND" and value not in available:
        meant, installed = _meant(value, available), _installed(facts)
        others = [name for name in installed if name not in meant]
        names = sorted((*meant, *others), key=lambda name: name not in installed)
        yield Failure(
            evidence=(f"/keras/backend_sources/{index}/value", "/keras/backends_available"),
            fields={"value": value, "version": known(keras.version, None) or "", "available": listed(available)},
            fixes=_choose(facts, *names[:2]),
        )


@rule(
    "keras-json-unsupported-backend",
    severity="error",
    layer="keras",
    title=template("keras.json names a backend that Keras does not have: '{value}'"),
    message=template(
        "{path} sets the backend to '{value}'. Keras {version} knows {available}. The file is often years old and "
        "was written by another Keras; from TensorFlow 2.16 on it keeps even 'import tensorflow' from working."
    ),
)
def keras_json_unsupported_backend(facts: Facts) -> Iterator[Failure]:
    """The configuration file of Keras names a backend that this release does not have any more.

    Keras writes ~/.keras/keras.json once and never corrects it. Files from the days of Theano and CNTK are still around
    in home folders. The variable KERAS_BACKEND overrides the file; then nothing is said.
    """
    keras = _keras(facts)
    found = _source(keras, "keras.json")
    if found is None:
        raise NotApplicable("keras.json names no backend")
    available = need(keras.backends_available)
    index, value = found
    if keras.backend_chosen_by == "keras.json" and value not in available:
        yield Failure(
            evidence=(f"/keras/backend_sources/{index}/value", "/keras/config_path", "/keras/backends_available"),
            fields={
                "value": value,
                "path": known(keras.config_path, None) or "keras.json",
                "version": known(keras.version, None) or "",
                "available": listed(available),
            },
            fixes=(*_instead_of_default(facts), *_move_config(facts)),
        )


def _instead_of_default(facts: Facts) -> tuple[Fix, ...]:
    """Return the fix that chooses a backend where the default, taken without the file, is not there or not meant."""
    installed = _installed(facts)
    if facts.keras.backend_chosen_by == "keras.json":
        installed = [name for name in installed if name == facts.keras.backend] or installed
    return () if DEFAULT_BACKEND in installed else _choose(facts, *installed[:1])


def _move_config(facts: Facts) -> tuple[Fix, ...]:
    path = known(facts.keras.config_path, None)
    if path is None:
        return ()
    return (move_aside(facts, MOVE_CONFIG, path, source=CONFIGURE, verify=shows(facts, "keras")),)


def _choose_instead(facts: Facts) -> tuple[Fix, ...]:
    """Return the fix that moves the file away and chooses what it may have chosen: Keras's default may not be there."""
    moved, chosen = _move_config(facts), _instead_of_default(facts)
    if not (moved and chosen):
        return moved
    commands, title = (*moved[0].commands, *chosen[0].commands), sentence(MOVE_AND_CHOOSE, path=moved[0].files[0])
    return (msgspec.structs.replace(moved[0], title=title, commands=commands, effect="shell"),)


@rule(
    "keras-json-invalid",
    severity="error",
    layer="keras",
    title=template("Keras cannot use its configuration file"),
    message=template("{path} is not what Keras expects: {error}. {consequence}"),
)
def keras_json_invalid(facts: Facts) -> Iterator[Failure]:
    """keras.json is broken, holds a wrong value, or cannot be read.

    A file that is no JSON is passed over in silence, with all settings in it: a warning. A wrong value of 'floatx',
    'epsilon' or 'image_data_format', something other than a table of settings, or a file that may not be read stop
    Keras at import: an error.
    """
    keras = _keras(facts)
    status = need(keras.config_status)
    if status not in ("malformed", "invalid", "unreadable"):
        return
    stops = status != "malformed"
    yield Failure(
        evidence=("/keras/config_status", "/keras/config_error", "/keras/config_path"),
        fields={
            "path": known(keras.config_path, None) or "keras.json",
            "error": known(keras.config_error, None) or status,
            "consequence": sentence(STOPS if stops else PASSED_OVER),
        },
        fixes=_move_config(facts) if keras.backend_chosen_by == "KERAS_BACKEND" else _choose_instead(facts),
        severity="error" if stops else "warning",
    )


@rule(
    "keras-backend-not-installed",
    severity="error",
    layer="keras",
    title=template("Keras wants to run on {framework}, which is not installed"),
    message=template(
        "Keras takes the backend '{backend}' ({chosen_by}), and it is not installed for this Python. Keras itself "
        "brings none, so 'import keras' fails unless the program names another backend first."
    ),
    after=(*ABSENT_CAUSES, "keras-json-invalid"),
)
def keras_backend_not_installed(facts: Facts) -> Iterator[Failure]:
    """Keras will use a backend that is not there.

    The backend comes from the variable KERAS_BACKEND, else from keras.json, else it is TensorFlow. Installing PyTorch
    and Keras is therefore not enough: Keras has to be told. Sign: "No module named 'tensorflow'" inside an import of
    Keras. It is a warning where nobody chose TensorFlow and another backend is there: a program may name that itself.
    """
    keras = _keras(facts)
    name = need(keras.backend)
    for index, found in enumerate(need(facts.backends)):
        if found.name != name or need(found.installed):
            continue
        others = [other for other in _installed(facts) if other != "openvino"] or _installed(facts)
        chosen_by = known(keras.backend_chosen_by, None) or "default"
        choose = _choose(facts, *others[:1])
        install = change(
            facts,
            INSTALL,
            {"framework": title_of(name)},
            add=(name,),
            source=CONFIGURE,
            verify=shell.with_variable(facts, "KERAS_BACKEND", name, shows(facts, "keras")),
        )
        yield Failure(
            evidence=("/keras/backend", "/keras/backend_chosen_by", f"/backends/{index}/installed"),
            fields={"framework": title_of(name), "backend": name, "chosen_by": chosen_by},
            fixes=(install, *choose) if chosen_by == "KERAS_BACKEND" else (*choose, install),
            subject=name,
            severity="warning" if others and not chosen_on_purpose(facts) else "error",
            after=None if chosen_by == "default" else ABSENT_CAUSES,
        )


@rule(
    "keras-home-not-writable",
    severity="info",
    layer="keras",
    title=template("Keras cannot write to its folder in the home directory"),
    message=template("{where} It works all the same, forgets its settings, and downloads weights anew."),
)
def keras_home_not_writable(facts: Facts) -> Iterator[Failure]:
    """The folder in which Keras keeps its settings cannot be written.

    Services, containers with a foreign user and read-only home folders have this. Keras falls back on a folder below
    /tmp or goes without. Set KERAS_HOME to a folder that is writable and stays.
    """
    keras = _keras(facts)
    if need(keras.config_fallback) or not need(keras.config_writable):
        yield Failure(
            evidence=("/keras/config_writable", "/keras/config_fallback", "/keras/config_path"),
            fields={
                "where": sentence(
                    MAKESHIFT if known(keras.config_fallback, False) else NOT_WRITABLE,
                    path=known(keras.config_path, None) or "keras.json",
                )
            },
            fixes=(by_hand(ANOTHER_HOME, CONFIGURE),),
        )


@rule(
    "keras-openvino-inference-only",
    severity="info",
    layer="keras",
    title=template("Keras runs on OpenVINO, which can predict but not train"),
    message=template(
        "Keras takes the backend 'openvino' ({chosen_by}). 'predict' works; 'fit' and 'evaluate' raise an error. For "
        "training Keras needs TensorFlow, JAX or PyTorch."
    ),
)
def keras_openvino_inference_only(facts: Facts) -> Iterator[Failure]:
    """The chosen backend is OpenVINO, which has no training.

    It is the right choice for predictions on Intel hardware. 'fit' says that it is not supported with this backend.
    """
    keras = _keras(facts)
    if need(keras.backend) == "openvino":
        trainers = [name for name in _installed(facts) if name != "openvino"]
        yield Failure(
            evidence=("/keras/backend", "/keras/backend_chosen_by"),
            fields={"chosen_by": known(keras.backend_chosen_by, None) or "default"},
            fixes=_choose(facts, *trainers[:1]),
        )
