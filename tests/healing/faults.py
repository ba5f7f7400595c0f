"""The table of faults: how each environment is broken, and what envcheck has to say first."""

from typing import Any

from healing import damage
from healing.engine import Fault

NO_CHOICE = {"KERAS_BACKEND": ""}  # as if it were not set
NO_CERTIFICATES = {"SSL_CERT_FILE": "/gone/ca.pem", "SSL_CERT_DIR": "/gone/certs"}
LEGACY = {"TF_USE_LEGACY_KERAS": "1"}


def jax(finding: str, how: str, broken: damage.Damage, **more: Any) -> Fault:
    """Return a fault of Keras with JAX."""
    return Fault(finding, how, "jax", broken, **more)


def tensorflow(finding: str, how: str, broken: damage.Damage, **more: Any) -> Fault:
    """Return a fault of Keras with TensorFlow, in an environment that has every backend."""
    return Fault(finding, how, "all", broken, smoke="tensorflow", **more)


PACKAGES = (
    Fault("numpy2-abi-mismatch", "jaxlib 0.4.25 beside NumPy 2", "jax-numpy1", damage.nothing),
    jax("package-requirements-conflict", "NumPy is gone", damage.numpy_is_gone),
    jax("package-requirements-conflict", "h5py is gone", damage.h5py_is_gone, tool="pip", by_default=False),
    jax("package-requirements-conflict", "NumPy 1 below JAX", damage.older_numpy, by_default=False),
    jax("package-install-incomplete", "half of Keras is gone", damage.half_of_keras_is_gone, tool="pip"),
    jax("package-install-incomplete", "half of JAX is gone", damage.half_of_jax_is_gone, tool="pip", by_default=False),
    jax("package-install-incomplete", "a library of NumPy is gone", damage.library_of_numpy_is_gone, by_default=False),
    jax("library-file-damaged", "NumPy is cut short", damage.numpy_is_cut_short, tool="pip"),
    jax("library-file-damaged", "jaxlib is cut short", damage.jaxlib_is_cut_short, by_default=False),
    jax("wheel-for-other-platform", "h5py for ARM", damage.h5py_of_arm),
    jax(
        "keras-duplicate-distributions", "keras-nightly over Keras", damage.a_second_keras, tool="pip", by_default=False
    ),
    jax("jax-jaxlib-version-mismatch", "older jaxlib", damage.older_jaxlib),
    jax("jax-cuda-plugin-version-mismatch", "older plug-in", damage.older_cuda_plugin, by_default=False),
    jax(
        "framework-files-differ-from-metadata",
        "JAX of another release",
        damage.jax_of_another_release,
        by_default=False,
    ),
    jax("pip-leftover-folders", "an interrupted pip", damage.an_interrupted_pip, tool="pip", by_default=False),
    jax("framework-folder-left-over", "torch without PyTorch", damage.a_folder_without_a_framework, by_default=False),
    jax(
        "distribution-installed-twice",
        "NumPy 1.26 left its metadata",
        damage.metadata_of_an_older_numpy,
        tool="pip",
        by_default=False,
    ),
    jax("package-source-damaged", "a file of zeros", damage.a_file_of_zeros, by_default=False),
    jax("harmless-pynvml-deprecated", "pynvml", damage.pynvml, tool="pip", by_default=False),
)
KERAS = (
    jax("keras-json-invalid", "one more comma", damage.keras_json('{"backend": "jax",}')),
    jax("keras-json-invalid", "an unknown float type", damage.keras_json('{"floatx": "float31"}'), by_default=False),
    jax("keras-json-unsupported-backend", "Theano", damage.keras_json('{"backend": "theano"}'), environ=NO_CHOICE),
    jax("keras-backend-unknown", "pytorch", damage.nothing, environ={"KERAS_BACKEND": "pytorch"}, by_default=False),
    jax("keras-backend-not-installed", "torch", damage.nothing, environ={"KERAS_BACKEND": "torch"}, way=1),
    jax(
        "keras-backend-not-installed",
        "keras.json with TensorFlow",
        damage.keras_json('{"backend": "tensorflow"}'),
        environ=NO_CHOICE,
        by_default=False,
    ),
)
IN_THE_WAY = (
    jax("module-shadowed-by-local-file", "random.py", damage.local("random.py")),
    jax("module-shadowed-by-local-file", "jax.py", damage.local("jax.py", "import jax\n"), by_default=False),
    jax("module-shadowed-by-local-file", "a folder numpy", damage.local("numpy/__init__.py", ""), by_default=False),
    jax(
        "pythonpath-shadows-environment",
        "numpy of ROS",
        damage.on_pythonpath("numpy/__init__.py", "__version__ = '1.11'\n"),
    ),
    jax(
        "pythonpath-shadows-environment",
        "enum34",
        damage.on_pythonpath("enum.py", "raise ImportError('enum34')\n"),
        by_default=False,
    ),
    jax("python-variables-break-start", "PYTHONHOME", damage.pythonhome_of_another),
    jax(
        "startup-file-shadows-environment", "easy-install.pth", damage.an_older_keras_by_start_up_file, by_default=False
    ),
    jax(
        "variable-breaks-framework-import",
        "a value that JAX does not know",
        damage.nothing,
        environ={"JAX_ENABLE_X64": "maybe"},
        by_default=False,
    ),
    jax("libstdcxx-too-old", "a module for GCC 4", damage.an_old_cxx_library),
    jax("user-site-shadows-environment", "pip install --user numpy", damage.numpy_of_another_project),
    jax("ssl-certificates-missing", "variables of another system", damage.nothing, environ=NO_CERTIFICATES),
    jax("xla-flags-unknown", "for a TPU", damage.nothing, environ={"XLA_FLAGS": "--xla_tpu_enable_flash=true"}),
    jax("no-nvidia-gpu", "JAX_PLATFORMS=cuda", damage.nothing, environ={"JAX_PLATFORMS": "cuda"}),
    jax(
        "jax-platform-unavailable",
        "JAX_PLATFORMS=cpuu",
        damage.nothing,
        environ={"JAX_PLATFORMS": "cpuu"},
        by_default=False,
    ),
)
INTERPRETER = (
    jax("venv-base-interpreter-missing", "of venv", damage.base_interpreter_is_gone, tool="pip", by_default=False),
    jax("venv-base-interpreter-missing", "of uv", damage.base_interpreter_is_gone),
    jax("python-not-executable", "no permission", damage.not_executable),
    jax("venv-configuration-missing", "pyvenv.cfg is gone", damage.pyvenv_cfg_is_gone, by_default=False),
)
NOTEBOOK = (
    jax(
        "jupyter-kernel-dependencies-broken",
        "half of pyzmq is gone",
        damage.kernel_with_half_of_zmq,
        smoke=None,
        kernel="mine",
    ),
    jax(
        "jupyter-kernel-other-interpreter", "another Python", damage.kernel_of_another_python, smoke=None, kernel="env"
    ),
    jax("jupyter-kernelspec-interpreter-missing", "no Python", damage.kernel_without_python, smoke=None),
    jax(
        "jupyter-kernelspec-interpreter-missing",
        "no Python, and the environment takes its place",
        damage.kernel_without_python,
        smoke=None,
        way=1,
        kernel="old",
    ),
    jax("ipykernel-missing", "a kernel by hand", damage.kernel_without_ipykernel, smoke=None, kernel="mine"),
)
TENSORFLOW = (
    Fault("pip-too-old", "pip 20.2", "", damage.a_pip_of_2020, smoke="tensorflow", rounds=2, by_default=False),
    tensorflow("protobuf-too-new", "protobuf 5", damage.older_protobuf),
    tensorflow(
        "tensorflow-duplicate-distributions", "with tensorflow-cpu", damage.tensorflow_cpu_over_it, by_default=False
    ),
    tensorflow("tensorflow-install-incomplete", "half is gone", damage.half_of_tensorflow_is_gone, by_default=False),
    tensorflow("keras-tensorflow-version-mismatch", "Keras 2", damage.keras_2, by_default=False),
    tensorflow("keras-not-installed", "Keras is gone", damage.keras_is_gone, by_default=False),
    tensorflow("tf-keras-missing", "TF_USE_LEGACY_KERAS", damage.tf_keras_is_gone, environ=LEGACY, by_default=False),
    tensorflow("tf-keras-version-mismatch", "tf-keras 2.18", damage.older_tf_keras, environ=LEGACY, by_default=False),
    tensorflow("ml-dtypes-version-mismatch", "ml_dtypes 0.4", damage.older_ml_dtypes, by_default=False),
    tensorflow("package-requirements-conflict", "setuptools is gone", damage.setuptools_is_gone, by_default=False),
)
FAULTS = (*PACKAGES, *KERAS, *IN_THE_WAY, *INTERPRETER, *NOTEBOOK, *TENSORFLOW)
