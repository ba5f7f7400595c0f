"""Ways to break an environment, each for a reason that is met in the wild."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from framework_environments import NotBuilt
from simulated import pythons

from healing.users import User, clone

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE_PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
Damage = Callable[[User], None]


# --- packages -------------------------------------------------------------------------------------


def nothing(user: User) -> None:
    """The environment is broken as the installer made it."""


def numpy_is_gone(user: User) -> None:
    user.pip("uninstall numpy")


def h5py_is_gone(user: User) -> None:
    user.pip("uninstall h5py")


def setuptools_is_gone(user: User) -> None:
    user.pip("uninstall setuptools")


def half_of_keras_is_gone(user: User) -> None:
    shutil.rmtree(user.site / "keras" / "src" / "layers")


def half_of_jax_is_gone(user: User) -> None:
    shutil.rmtree(user.site / "jax" / "_src" / "interpreters")


def library_of_numpy_is_gone(user: User) -> None:
    next((user.site / "numpy.libs").glob("libscipy_openblas*")).unlink()


def _cut_short(user: User, file: Path) -> None:
    user.replace(file, file.read_bytes()[:100_000])


def numpy_is_cut_short(user: User) -> None:
    _cut_short(user, next((user.site / "numpy" / "_core").glob("_multiarray_umath*.so")))


def jaxlib_is_cut_short(user: User) -> None:
    _cut_short(user, user.site / "jaxlib" / "libjax_common.so")


def h5py_of_arm(user: User) -> None:
    user.pip("uninstall h5py")
    user.pip("install --python-platform aarch64-unknown-linux-gnu h5py==3.16.0")


def jax_of_another_release(user: User) -> None:
    file = user.site / "jax" / "version.py"
    user.replace(file, file.read_bytes().replace(b"0.10.2", b"0.4.30"))


def older_cuda_plugin(user: User) -> None:
    user.pip("install jax-cuda12-plugin==0.9.2")


def a_second_keras(user: User) -> None:
    user.pip("install keras-nightly")


def older_jaxlib(user: User) -> None:
    user.pip("install jaxlib==0.9.2")


def older_numpy(user: User) -> None:
    user.pip("install numpy==1.26.4")


def an_interrupted_pip(user: User) -> None:
    (user.site / "~umpy" / "core").mkdir(parents=True)


def a_folder_without_a_framework(user: User) -> None:
    (user.site / "torch" / "__pycache__").mkdir(parents=True)


def metadata_of_an_older_numpy(user: User) -> None:
    """An update was interrupted before it took away what described the release before."""
    old = user.site / "numpy-1.26.4.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n")
    (old / "RECORD").write_text(
        "numpy/core/gone.py,,\nnumpy-1.26.4.dist-info/METADATA,,\nnumpy-1.26.4.dist-info/RECORD,,\n"
    )


def a_file_of_zeros(user: User) -> None:
    file = user.site / "jax" / "_src" / "config.py"
    user.replace(file, bytes(file.stat().st_size))


def an_older_keras_by_start_up_file(user: User) -> None:
    user.write({"src/keras/__init__.py": "from keras.api import layers\n"})
    (user.site / "easy-install.pth").write_text(f"import sys; sys.path[0:0] = ['{user.home / 'src'}']\n")


def pynvml(user: User) -> None:
    user.pip("install pynvml nvidia-ml-py")


# --- TensorFlow -----------------------------------------------------------------------------------


def older_protobuf(user: User) -> None:
    user.pip("install protobuf==5.29.6")


def newer_protobuf(user: User) -> None:
    user.pip("install protobuf==7.36.2")


def tensorflow_cpu_over_it(user: User) -> None:
    user.pip("install tensorflow-cpu==2.20.0")


def keras_2(user: User) -> None:
    user.pip("install keras==2.15.0")


def tf_keras_is_gone(user: User) -> None:
    user.pip("uninstall tf-keras")


def keras_is_gone(user: User) -> None:
    user.pip("uninstall keras")


def half_of_tensorflow_is_gone(user: User) -> None:
    shutil.rmtree(user.site / "tensorflow" / "python" / "framework")


def older_tf_keras(user: User) -> None:
    user.pip("install tf-keras==2.18.0")


def older_ml_dtypes(user: User) -> None:
    user.pip("install ml-dtypes==0.4.1")


# --- Keras ----------------------------------------------------------------------------------------


def keras_json(text: str) -> Damage:
    def damage(user: User) -> None:
        user.write({".keras/keras.json": text})

    return damage


# --- what stands in the way -----------------------------------------------------------------------


def local(name: str, text: str = "print('mine')\n") -> Damage:
    def damage(user: User) -> None:
        user.write({f"work/{name}": text})

    return damage


def on_pythonpath(name: str, text: str) -> Damage:
    def damage(user: User) -> None:
        user.write({f"ros/{name}": text})
        user.environ["PYTHONPATH"] = str(user.home / "ros")

    return damage


def pyvenv_cfg_is_gone(user: User) -> None:
    (user.environment / "pyvenv.cfg").unlink()


def pythonhome_of_another(user: User) -> None:
    (user.home / "opt" / "python2.7").mkdir(parents=True)
    user.environ["PYTHONHOME"] = str(user.home / "opt" / "python2.7")


def an_old_cxx_library(user: User) -> None:
    """A module system puts the C++ library of an old compiler in front, which has the oldest interfaces alone."""
    user.write({"gcc-4/versions": "GLIBCXX_3.4 { global: *; };\nCXXABI_1.3 { };\n"})
    folder = user.home / "gcc-4"
    script = f"-Wl,-soname,libstdc++.so.6,--version-script,{folder / 'versions'}"
    pythons.compile_c(folder / "libstdc++.so.6", "int nothing;", "-shared", "-fPIC", script)
    user.environ["LD_LIBRARY_PATH"] = str(folder)


def numpy_of_another_project(user: User) -> None:
    """The environment sees the packages of the Python below it, and 'pip install --user' put others before those."""
    base = Path(sys.base_prefix)
    if base == Path("/usr"):
        raise NotBuilt("the Python of the operating system cannot be copied")
    packages = user.environment.rename(user.home / "packages")
    own, library = user.home / "python", f"lib/python{MINOR}"
    for part in ("bin", library):
        clone(base / part, own / part, leave=("site-packages", "test", "__pycache__"))
    pythons.site_packages(packages).rename(own / library / "site-packages")
    interpreter = own / "bin" / f"python{MINOR}"
    user.run(f"{interpreter} -m venv --system-site-packages --without-pip {user.environment}")
    user_site = user.home / ".local" / library / "site-packages"
    user.run(f"{sys.executable} -m uv pip install -q --no-deps -p {user.python} --target {user_site} numpy==1.26.4")


# --- the interpreter ------------------------------------------------------------------------------


def base_interpreter_is_gone(user: User) -> None:
    pythons.program(user.home / "bin" / "keep", "").unlink()
    (user.home / "bin" / f"python{MINOR}").symlink_to(BASE_PYTHON)
    config = user.environment / "pyvenv.cfg"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("home")]
    user.replace(config, "\n".join(["home = /opt/python/bin", *lines, ""]).encode())
    for name in ("python", "python3", f"python{MINOR}"):
        (user.environment / "bin" / name).unlink()
    (user.environment / "bin" / "python").symlink_to(f"/opt/python/bin/python{MINOR}")


def not_executable(user: User) -> None:
    for name in ("python", "python3", f"python{MINOR}"):
        (user.environment / "bin" / name).unlink()
    shutil.copy(BASE_PYTHON, user.python)
    user.python.chmod(0o644)


def a_pip_of_2020(user: User) -> None:
    user.run(f"{BASE_PYTHON} -m venv ~/env && ~/env/bin/python -m pip install -q pip==20.2.4")


# --- notebooks ------------------------------------------------------------------------------------


def kernel_without_python(user: User) -> None:
    user.kernelspec("old", str(user.home / "gone" / "bin" / "python"))


def kernel_of_another_python(user: User) -> None:
    user.kernelspec("python3", str(pythons.venv(user.home / "other") / "bin" / "python"))


def kernel_with_half_of_zmq(user: User) -> None:
    user.run(f"{sys.executable} -m uv pip install -q -p {user.python} ipykernel")
    shutil.rmtree(user.site / "zmq" / "backend")
    user.kernelspec("mine", str(user.python))


def kernel_without_ipykernel(user: User) -> None:
    user.kernelspec("mine", str(user.python))
