"""Frameworks and what they were built for: the file formats of each age, as small trees of files."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from simulated.pythons import compile_c, elf_header, environment_of, install, program, site_packages, user_host, write

from envcheck.model.facts import Backend, Component
from envcheck.model.unknown import Unknown
from envcheck.probes import framework_reading, frameworks, interpreter, target
from envcheck.probes.framework_files import lua_torch

VERSION_H = "tensorflow/include/tensorflow/core/public/version.h"
BUILD_INFO = "tensorflow/python/platform/build_info.py"
OLD_ABI = b"\0numpy.core._multiarray_umath\0"
NEW_ABI = b"\0numpy._core._multiarray_umath\0numpy.core._multiarray_umath\0"
LINUX = "cp311-cp311-manylinux_2_17_x86_64"


def numbers(major: int, minor: int, patch: int, suffix: str = "") -> str:
    return (
        "#define TF_STR(x) #x\n"
        f"#define TF_MAJOR_VERSION {major}\n#define TF_MINOR_VERSION {minor}\n#define TF_PATCH_VERSION {patch}\n"
        f'#define TF_VERSION_SUFFIX "{suffix}"\n#define TF_VERSION_STRING \\\n  (TF_STR(TF_MAJOR_VERSION))\n'
    )


def look(tmp_path: Path) -> dict[str, Backend]:
    host = user_host(tmp_path)
    python = interpreter.probe(host, target.find(host, str(tmp_path / "env"), None))
    found = frameworks.probe(host, python)
    assert isinstance(found, tuple)
    return {backend.name: backend for backend in found}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return site_packages(environment_of(tmp_path / "env"))


def test_the_list(tmp_path: Path, site: Path) -> None:
    found = look(tmp_path)
    assert list(found) == ["tensorflow", "jax", "torch", "openvino"]
    for backend in found.values():
        assert (backend.installed, backend.version, backend.location) == (False, None, None)
        assert (backend.distributions, backend.keras_backend, backend.leftover) == ((), True, None)
        assert backend.imported.status == Unknown("skipped", "not installed")
        assert isinstance(backend.built_for.cuda, Unknown)
    install(site, "onnxruntime", "1.0", {"onnxruntime/__init__.py": ""})
    install(site, "Theano", "1.0", {"theano/__init__.py": ""})
    found = look(tmp_path)
    assert list(found) == ["tensorflow", "jax", "torch", "openvino", "theano", "onnxruntime"]
    assert found["theano"].keras_backend is False
    assert found["theano"].imported.status == Unknown("skipped", "not imported yet")


# --- TensorFlow -----------------------------------------------------------------------------------


def tensorflow(tmp_path: Path, site: Path, version: str, files: Mapping[str, str | bytes], **more: str) -> Backend:
    name, tag = more.get("name", "tensorflow"), more.get("tag", LINUX)
    install(site, name, version, {"tensorflow/__init__.py": "", **files}, tag=tag)
    return look(tmp_path)["tensorflow"]


def test_tensorflow_2_10(tmp_path: Path, site: Path) -> None:
    built = (
        "import collections\n\nbuild_info = collections.OrderedDict([('cpu_compiler', '/dt9/usr/bin/gcc'), "
        "('cuda_compute_capabilities', ['sm_35', 'sm_80', 'compute_80']), ('cuda_version', '11.2'), "
        "('cudnn_version', '8'), ('is_cuda_build', True), ('is_rocm_build', False), ('is_tensorrt_build', True)])\n"
    )
    files = {
        VERSION_H: numbers(2, 10, 1),
        BUILD_INFO: built,
        "tensorflow/python/util/_pywrap_checkpoint_reader.so": OLD_ABI,
        "tensorflow/python/_pywrap_tensorflow_internal.so": elf_header(62),
    }
    found = tensorflow(tmp_path, site, "2.10.1", files)
    assert (found.installed, found.version, found.metadata_version) == (True, "2.10.1", "2.10.1")
    assert (found.how, found.location) == (str(site / VERSION_H), str(site / "tensorflow"))
    assert found.distributions == ("tensorflow",)
    assert (found.built_for.cuda, found.built_for.cudnn, found.built_for.rocm) == ("11.2", "8", None)
    assert found.built_for.compute_capabilities == ("3.5", "8.0", "compute_80")
    assert (found.built_for.numpy_abi, found.built_for.instruction_sets) == (("1",), ("avx",))
    assert found.main_library.path == str(site / "tensorflow/python/_pywrap_tensorflow_internal.so")
    assert (found.main_library.machine, found.main_library.truncated) == ("x86_64", False)


def test_tensorflow_2_21_for_the_processor_alone(tmp_path: Path, site: Path) -> None:
    built = "build_info = {'is_cuda_build': False, 'is_rocm_build': False, 'is_tensorrt_build': False}\n"
    files = {
        VERSION_H: "// no numbers any more\n",
        "tensorflow/tools/pip_package/setup.py": "import os\n_VERSION = '2.21.0'\nraise SystemExit\n",
        BUILD_INFO: f"import collections\n{built}",
        "tensorflow/python/util/_pywrap_checkpoint_reader.so": NEW_ABI,
    }
    found = tensorflow(tmp_path, site, "2.21.0", files, name="tensorflow-cpu")
    assert (found.version, found.how) == ("2.21.0", str(site / "tensorflow/tools/pip_package/setup.py"))
    assert (found.built_for.cuda, found.built_for.cudnn, found.built_for.compute_capabilities) == (None, None, ())
    assert found.built_for.numpy_abi == ("1", "2")
    assert found.distributions == ("tensorflow-cpu",)


def test_tensorflow_1_15_is_a_shell(tmp_path: Path, site: Path) -> None:
    core = "tensorflow_core"
    files = {
        f"{core}/__init__.py": "",
        f"{core}/include/tensorflow/core/public/version.h": numbers(1, 15, 5),
        f"{core}/python/platform/build_info.py": "is_rocm_build = False\nis_cuda_build = True\n"
        "cuda_version_number = '10'\ncudnn_version_number = '7'\n",
        f"{core}/python/framework/fast_tensor_util.so": OLD_ABI,
    }
    found = tensorflow(tmp_path, site, "1.15.5", files, name="tensorflow-gpu")
    assert (found.version, found.location) == ("1.15.5", str(site / "tensorflow"))
    assert (found.built_for.cuda, found.built_for.cudnn) == ("10", "7")
    assert isinstance(found.built_for.compute_capabilities, Unknown)
    assert (found.built_for.numpy_abi, found.built_for.instruction_sets) == (("1",), ("avx",))


@pytest.mark.parametrize(
    ("version", "tag", "expected"),
    [
        ((1, 5, 0), "cp36-cp36m-manylinux1_x86_64", ()),
        ((1, 6, 0), "cp36-cp36m-manylinux1_x86_64", ("avx",)),
        ((2, 4, 0), "cp38-cp38-manylinux2010_x86_64", ("avx", "avx2")),
        ((2, 4, 0), "cp38-cp38-macosx_10_14_x86_64", ("avx",)),
        ((2, 4, 1), "cp38-cp38-manylinux2010_x86_64", ("avx",)),
        ((2, 10, 0), "cp310-cp310-win_amd64", ("avx",)),
        ((2, 15, 0), "cp311-cp311-manylinux_2_17_aarch64", ()),
        ((2, 15, 0), "cp311-cp311-macosx_12_0_arm64", ()),
        ((2, 15, 0), "cp311-cp311-linux_x86_64", None),  # built by the user: only the user knows how
    ],
)
def test_instructions_that_tensorflow_needs(
    tmp_path: Path, site: Path, version: tuple[int, int, int], tag: str, expected: tuple[str, ...] | None
) -> None:
    dotted = ".".join(map(str, version))
    found = tensorflow(tmp_path, site, dotted, {VERSION_H: numbers(*version)}, tag=tag)
    needed = found.built_for.instruction_sets
    assert isinstance(needed, Unknown) if expected is None else needed == expected


def test_tensorflow_for_rocm_and_release_candidates(tmp_path: Path, site: Path) -> None:
    built = "build_info = {'is_cuda_build': False, 'is_rocm_build': True, 'rocm_version': '6.0'}\n"
    files = {VERSION_H: numbers(2, 14, 0, "-rc1"), BUILD_INFO: built}
    found = tensorflow(tmp_path, site, "2.14.0rc1", files, name="tensorflow-rocm")
    assert found.version == "2.14.0-rc1"
    assert (found.built_for.cuda, found.built_for.rocm) == (None, "6.0")
    assert isinstance(found.built_for.instruction_sets, Unknown)


def test_two_distributions_that_provide_tensorflow(tmp_path: Path, site: Path) -> None:
    files = {VERSION_H: numbers(2, 15, 0)}
    tensorflow(tmp_path, site, "2.16.1", files, name="tensorflow")
    found = tensorflow(tmp_path, site, "2.15.0", files, name="tensorflow-cpu")
    assert found.distributions == ("tensorflow", "tensorflow-cpu")
    assert (found.version, found.metadata_version) == ("2.15.0", "2.15.0")  # of the one that fits the files


def test_a_distribution_that_only_requires_another(tmp_path: Path, site: Path) -> None:
    install(site, "tensorflow", "2.15.0", {}, requires=("tensorflow-intel==2.15.0",))
    found = tensorflow(tmp_path, site, "2.15.0", {VERSION_H: numbers(2, 15, 0)}, name="tensorflow-intel")
    assert found.distributions == ("tensorflow-intel",)


def test_files_without_metadata_and_metadata_without_files(tmp_path: Path, site: Path) -> None:
    write(site, {"tensorflow/__init__.py": "", VERSION_H: numbers(2, 15, 0)})
    found = look(tmp_path)["tensorflow"]
    assert (found.installed, found.version, found.metadata_version, found.distributions) == (True, "2.15.0", None, ())
    shutil.rmtree(site / "tensorflow")
    found = tensorflow(tmp_path, site, "2.15.0", {"tensorflow/core/x.py": ""})
    (site / "tensorflow" / "__init__.py").unlink()
    found = look(tmp_path)["tensorflow"]
    assert (found.installed, found.version, found.location, found.metadata_version) == (True, None, None, "2.15.0")
    assert found.leftover == str(site / "tensorflow")
    assert isinstance(found.built_for.cuda, Unknown)


def test_a_leftover_folder_is_not_installed(tmp_path: Path, site: Path) -> None:
    write(site, {"jax/__pycache__/version.cpython-311.pyc": ""})
    found = look(tmp_path)["jax"]
    assert (found.installed, found.leftover) == (False, str(site / "jax"))


def test_an_editable_install_lies_elsewhere(tmp_path: Path, site: Path) -> None:
    origin = {"direct_url.json": json.dumps({"url": "file:///src/jax", "dir_info": {"editable": True}})}
    install(site, "jax", "0.5.0", {"__editable___jax_finder.py": ""}, metadata={**origin, "top_level.txt": "jax\n"})
    found = look(tmp_path)["jax"]
    assert (found.installed, found.distributions, found.metadata_version) == (True, ("jax",), "0.5.0")
    assert isinstance(found.version, Unknown)
    assert isinstance(found.location, Unknown)


# --- JAX ------------------------------------------------------------------------------------------

RELEASED = "import subprocess\n_version = \"{0}\"\n_release_version: str = '{0}'\n\n\ndef f() -> str | None: ...\n"


def test_jax_with_a_plugin(tmp_path: Path, site: Path) -> None:
    install(site, "jax", "0.5.3", {"jax/__init__.py": "", "jax/version.py": RELEASED.format("0.5.3")})
    jaxlib = {
        "jaxlib/__init__.py": "",
        "jaxlib/version.py": RELEASED.format("0.5.3"),
        "jaxlib/libjax_common.so": NEW_ABI,
    }
    install(site, "jaxlib", "0.5.3", jaxlib, tag=LINUX)
    plugin = {"jax_cuda12_plugin/__init__.py": "", "jax_cuda12_plugin/version.py": RELEASED.format("0.5.1")}
    install(site, "jax-cuda12-plugin", "0.5.1", plugin)
    unreleased = '_version = "0.5.1"\n_release_version: str | None = None\n'
    files = {"jax_plugins/xla_cuda12/__init__.py": "", "jax_plugins/xla_cuda12/version.py": unreleased}
    install(site, "jax-cuda12-pjrt", "0.5.1", files)
    found = look(tmp_path)["jax"]
    assert (found.version, found.how) == ("0.5.3", str(site / "jax/version.py"))
    assert (found.plugins, found.built_for.cuda, found.built_for.rocm) == (("cuda12",), "12", None)
    assert found.components == (
        Component(name="jaxlib", version="0.5.3", how=str(site / "jaxlib/version.py")),
        Component(name="jax_cuda12_plugin", version="0.5.1", how=str(site / "jax_cuda12_plugin/version.py")),
        Component(name="jax_plugins.xla_cuda12", version="0.5.1", how=str(site / "jax_plugins/xla_cuda12/version.py")),
    )
    assert (found.built_for.numpy_abi, found.built_for.instruction_sets) == (("1", "2"), ("avx",))
    assert found.distributions == ("jax",)


def test_jax_of_old(tmp_path: Path, site: Path) -> None:
    install(site, "jax", "0.2.28", {"jax/__init__.py": "", "jax/version.py": '__version__ = "0.2.28"\n'})
    jaxlib = {
        "jaxlib/__init__.py": "",
        "jaxlib/version.py": '__version__ = "0.1.61"\n',
        "jaxlib/xla_extension.so": OLD_ABI,
    }
    install(site, "jaxlib", "0.1.61+cuda11.cudnn82", jaxlib, tag="cp38-none-manylinux2010_x86_64")
    found = look(tmp_path)["jax"]
    assert (found.version, found.built_for.cuda, found.built_for.cudnn) == ("0.2.28", "11", "82")
    assert (found.built_for.numpy_abi, found.built_for.instruction_sets) == (("1",), ())
    shutil.rmtree(site / "jaxlib")
    found = look(tmp_path)["jax"]
    assert (found.components, found.main_library.path) == ((), None)


# --- PyTorch --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "version", "cuda", "rocm"),
    [
        ("__version__ = '1.4.0'\ndebug = False\ncuda = '10.1'\nhip = None\n", "1.4.0", "10.1", None),
        ("__version__ = '2.9.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n", "2.9.0+cpu", None, None),
        ("__version__ = '2.4.0+rocm6.1'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.1.40091'\n",
         "2.4.0+rocm6.1", None, "6.1.40091"),
    ],
)  # fmt: skip
def test_torch(tmp_path: Path, site: Path, source: str, version: str, cuda: str | None, rocm: str | None) -> None:
    install(site, "torch", version.partition("+")[0], {"torch/__init__.py": "", "torch/version.py": source})
    found = look(tmp_path)["torch"]
    assert (found.version, found.metadata_version) == (version, version.partition("+")[0])
    assert (found.built_for.cuda, found.built_for.rocm) == (cuda, rocm)


def test_torch_for_cuda(tmp_path: Path, site: Path) -> None:
    source = (
        'const char a[] = "sm_75 sm_80 sm_90a compute_90", b[] = "compute_bucket_assignment", c[] = "sm_50";\n'
        'const char d[] = "numpy._core._multiarray_umath", e[] = "numpy.core._multiarray_umath";\n'
    )
    bindings = compile_c(tmp_path / "bindings.so", source, "-shared", "-fPIC").read_bytes()
    files: dict[str, str | bytes] = {
        "torch/__init__.py": "",
        "torch/version.py": "__version__ = '2.5.1+cu124'\ncuda: Optional[str] = '12.4'\nhip: Optional[str] = None\n",
        "torch/lib/libtorch_python.so": bindings,
        "torch/lib/libtorch_cuda.so": b"",
    }
    requires = ("filelock", "nvidia-cudnn-cu12==9.1.0.70; platform_system == 'Linux'", "not a requirement !")
    install(site, "torch", "2.5.1", files, requires=requires)
    vision = {"torchvision/__init__.py": "", "torchvision/version.py": "__version__ = '0.20.1+cpu'\nfrom x import y\n"}
    install(site, "torchvision", "0.20.1", vision)
    found = look(tmp_path)["torch"]
    assert found.built_for.compute_capabilities == ("7.5", "8.0", "9.0a", "compute_90")
    assert (found.built_for.cudnn, found.plugins) == ("9.1.0.70", ("cuda",))
    assert found.built_for.numpy_abi == ("1", "2")
    (part,) = found.components if isinstance(found.components, tuple) else ()
    assert (part.name, part.version) == ("torchvision", "0.20.1+cpu")


def test_torch_that_brings_its_own_cudnn(tmp_path: Path, site: Path) -> None:
    files = {
        "torch/__init__.py": "",
        "torch/version.py": "__version__ = '1.12.1+cu102'\ncuda = '10.2'\n",
        "torch/lib/libcudnn-3f1a.so.7": b"",
    }
    install(site, "torch", "1.12.1", files)
    assert look(tmp_path)["torch"].built_for.cudnn == "7"


def test_a_main_library_cut_short(tmp_path: Path, site: Path) -> None:
    library = compile_c(tmp_path / "whole.so", "int answer(void) { return 42; }\n", "-shared", "-fPIC").read_bytes()
    install(site, "torch", "2.5.1", {"torch/__init__.py": "", "torch/lib/libtorch_cpu.so": library})
    assert look(tmp_path)["torch"].main_library.truncated is False
    write(site, {"torch/lib/libtorch_cpu.so": library[: len(library) - 500]})
    assert look(tmp_path)["torch"].main_library.truncated is True
    write(site, {"torch/lib/libtorch_cpu.so": b""})
    assert look(tmp_path)["torch"].main_library.truncated is True
    write(site, {"torch/lib/libtorch_cpu.so": b"MZ" * 500})
    assert isinstance(look(tmp_path)["torch"].main_library.truncated, Unknown)


# --- the others -----------------------------------------------------------------------------------


def test_openvino(tmp_path: Path, site: Path) -> None:
    cmake = "set(PACKAGE_VERSION_MAJOR 2026)\nset(PACKAGE_VERSION_MINOR 4)\nset(PACKAGE_VERSION_PATCH 1)\n"
    files = {
        "openvino/__init__.py": "",
        "openvino/cmake/OpenVINOConfig-version.cmake": cmake,
        "openvino/libs/libopenvino.so.2641": elf_header(62),
        "openvino/libs/libopenvino_intel_cpu_plugin.so": "",
        "openvino/_pyopenvino.cpython-311-x86_64-linux-gnu.so": b"\0numpy._core\0numpy.core\0",
        "openvino/libs/libopenvino_c.so.2641": "",
    }
    install(site, "openvino", "2026.4.1", files, tag=LINUX)
    install(site, "openvino-dev", "2026.4.1", {"openvino/tools/mo.py": ""})
    found = look(tmp_path)["openvino"]
    assert (found.version, found.plugins, found.distributions) == ("2026.4.1", ("intel_cpu",), ("openvino",))
    assert (found.built_for.cuda, found.built_for.instruction_sets, found.built_for.numpy_abi) == (None, (), ("1", "2"))
    assert found.main_library.path == str(site / "openvino/libs/libopenvino.so.2641")


VERSIONEER = "import json\nversion_json = '''\n{\n \"dirty\": false,\n \"version\": \"1.0.5\"\n}\n'''\n"
PADDLE = (
    "import inspect\nfull_version     = '2.6.2'\ncuda_version     = '{0}'\ncudnn_version = '{1}'\nhip_version = None\n"
)
ONNX = "package_name = 'onnxruntime-gpu'\n__version__ = '1.22.0'\ncuda_version = '12.2'\n"


@pytest.mark.parametrize(
    ("name", "module", "files", "version", "cuda"),
    [
        ("theano", "theano", {"_version.py": VERSIONEER}, "1.0.5", Unknown),
        ("theano", "theano", {"generated_version.py": "full_version = '0.9.0'\n"}, "0.9.0", Unknown),
        ("cntk", "cntk", {"VERSION": "2.7"}, "2.7", None),
        ("cntk-gpu", "cntk", {"VERSION": "2.7"}, "2.7", Unknown),
        ("mxnet", "mxnet", {"libinfo.py": 'import os\n__version__ = "1.9.1"\n'}, "1.9.1", None),
        ("mxnet-cu112", "mxnet", {"libinfo.py": 'import os\n__version__ = "1.9.1"\n'}, "1.9.1", "11.2"),
        ("paddlepaddle", "paddle", {"version/__init__.py": PADDLE.format("False", "False")}, "2.6.2", None),
        ("paddlepaddle-gpu", "paddle", {"version/__init__.py": PADDLE.format("11.8", "8.6")}, "2.6.2", "11.8"),
        ("onnxruntime-gpu", "onnxruntime", {"capi/build_and_package_info.py": ONNX}, "1.22.0", "12.2"),
        ("caffe", "caffe", {"_caffe.so": ""}, "9.9", Unknown),
        ("plaidml", "plaidml", {}, "9.9", None),
    ],
)  # fmt: skip
def test_frameworks_of_old(
    tmp_path: Path, site: Path, name: str, module: str, files: Mapping[str, str], version: str, cuda: object
) -> None:
    own = {f"{module}/{path}": content for path, content in files.items()}
    install(site, name, "9.9", {f"{module}/__init__.py": "", **own})
    found = look(tmp_path)[module]
    assert (found.version, found.metadata_version, found.distributions) == (version, "9.9", (name,))
    assert isinstance(found.built_for.cuda, Unknown) if cuda is Unknown else found.built_for.cuda == cuda


@pytest.mark.parametrize(
    ("name", "module", "file", "version", "tag", "needs"),
    [
        ("paddlepaddle", "paddle", "version/__init__.py", "2.6.2", "cp311-cp311-linux_x86_64", ("avx",)),
        ("paddlepaddle", "paddle", "version/__init__.py", "3.3.1", "cp311-cp311-linux_x86_64", ("avx", "avx2")),
        ("paddlepaddle", "paddle", "version/__init__.py", "3.3.1", "cp311-cp311-macosx_11_0_arm64", Unknown),
        ("paddlepaddle", "paddle", "version/__init__.py", "2.2.1", "cp38-cp38-linux_x86_64", Unknown),
        ("mxnet", "mxnet", "libinfo.py", "1.9.1", "py3-none-manylinux2014_x86_64", ("avx",)),
        ("mxnet", "mxnet", "libinfo.py", "1.5.1", "py3-none-manylinux2014_x86_64", Unknown),
    ],
)
def test_instructions_of_wheels(
    tmp_path: Path, site: Path, name: str, module: str, file: str, version: str, tag: str, needs: object
) -> None:
    told = f"full_version = '{version}'\n__version__ = '{version}'\n"
    install(site, name, version, {f"{module}/__init__.py": "", f"{module}/{file}": told}, tag=tag)
    found = look(tmp_path)[module].built_for.instruction_sets
    assert isinstance(found, Unknown) if needs is Unknown else found == needs


def caffe_tree(folder: Path, *links: str) -> Path:
    """Build Caffe's files as its own makefiles lay them out: ``python/caffe`` and ``build/lib``; return ``python``."""
    libraries = folder / "build" / "lib"
    flags = ("-shared", "-fPIC", f"-L{libraries}", "-Wl,--no-as-needed")
    for name in links:
        compile_c(libraries / name, "int cuda;\n", *flags, f"-Wl,-soname,{name}")
    named = "-Wl,-soname,libcaffe.so.1.0.0"
    compile_c(libraries / "libcaffe.so.1.0.0", "int caffe;\n", *flags, named, *(f"-l:{name}" for name in links))
    write(folder / "python", {"caffe/__init__.py": ""})
    binding = folder / "python" / "caffe" / "_caffe.cpython-39-x86_64-linux-gnu.so"
    compile_c(binding, "int binding;\n", *flags, "-l:libcaffe.so.1.0.0")
    return folder / "python"


@pytest.mark.parametrize(
    ("links", "cuda", "cudnn"),
    [((), None, None), (("libcudart.so.10.2", "libcudnn.so.7"), "10.2", "7")],
)
def test_a_tree_of_caffe(
    tmp_path: Path, site: Path, links: tuple[str, ...], cuda: str | None, cudnn: str | None
) -> None:
    """It is built by hand and linked into the environment, so no metadata tell of it."""
    (site / "caffe").symlink_to(caffe_tree(tmp_path / "caffe", *links) / "caffe")
    found = look(tmp_path)["caffe"]
    assert (found.installed, found.version, found.location) == (True, "1.0.0", str(site / "caffe"))
    assert (found.distributions, found.metadata_version) == ((), None)
    assert (found.built_for.cuda, found.built_for.cudnn) == (cuda, cudnn)
    assert found.main_library.path == str(tmp_path / "caffe" / "build" / "lib" / "libcaffe.so.1.0.0")


LUA = "share/lua/5.1"


@pytest.mark.parametrize("how", ["home", "activated", "program", "system"])
def test_torch_of_lua(tmp_path: Path, site: Path, how: str) -> None:
    """Found in its own tree, as torch-activate names it, through its program, or as Debian 10 installs it."""
    prefix = {
        "home": tmp_path / "home" / "torch" / "install",
        "activated": tmp_path / "elsewhere",
        "program": tmp_path / "elsewhere",
        "system": tmp_path / "machine" / "usr",
    }[how]
    write(prefix, {f"{LUA}/torch/init.lua": "", f"{LUA}/nn/init.lua": "", f"{LUA}/cutorch/init.lua": ""})
    environ = {"HOME": str(tmp_path / "home")}
    if how == "activated":
        environ["LUA_PATH"] = f"/home/ana/.luarocks/{LUA}/?.lua;{prefix}/{LUA}/?.lua;./?.lua"
    if how == "program":
        program(prefix / "bin" / "th", "exit 0")
        environ["PATH"] = str(prefix / "bin")
    host = replace(user_host(tmp_path, **environ), root=str(tmp_path / "machine"))
    found = lua_torch.find(host)
    assert found == ("/usr" if how == "system" else str(prefix)) + f"/{LUA}/torch"


def test_torch_of_lua_is_not_pytorch(tmp_path: Path, site: Path) -> None:
    install(site, "torch", "2.5.1", {"torch/__init__.py": ""})
    assert list(look(tmp_path)) == ["tensorflow", "jax", "torch", "openvino"]


def test_torch_of_lua_is_listed(tmp_path: Path, site: Path) -> None:
    write(
        tmp_path / "home" / "torch" / "install", {f"{LUA}/{name}/init.lua": "" for name in ("torch", "nn", "cutorch")}
    )
    host = user_host(tmp_path, HOME=str(tmp_path / "home"))
    python = interpreter.probe(host, target.find(host, str(tmp_path / "env"), None))
    backends = frameworks.probe(host, python)
    assert isinstance(backends, tuple)
    found = backends[-1]
    assert (found.name, found.installed, found.distributions) == ("lua-torch", True, ())
    assert found.plugins == ("nn", "cutorch")


def test_providers_of_onnxruntime(tmp_path: Path, site: Path) -> None:
    capi = "onnxruntime/capi"
    files = {
        "onnxruntime/__init__.py": "",
        f"{capi}/build_and_package_info.py": "__version__ = '1.10.0'\n",
        f"{capi}/libonnxruntime_providers_shared.so": "",
        f"{capi}/libonnxruntime_providers_cuda.so": "",
        f"{capi}/onnxruntime_pybind11_state.cpython-39-x86_64-linux-gnu.so": OLD_ABI,
    }
    install(site, "onnxruntime-gpu", "1.10.0", files)
    found = look(tmp_path)["onnxruntime"]
    assert (found.plugins, found.built_for.numpy_abi) == (("cuda",), ("1",))
    assert isinstance(found.built_for.cuda, Unknown)  # for CUDA, of which version is not told


# --- anything may be broken -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"(" * 5000, b"__version__ = \n", b"build_info = 3\n", b"\x7fELF"]
)
def test_damaged_files(tmp_path: Path, site: Path, content: bytes) -> None:
    names = [
        VERSION_H, BUILD_INFO, "tensorflow/libtensorflow_cc.so.2",
        "tensorflow/python/util/_pywrap_checkpoint_reader.so", "jax/version.py", "jaxlib/version.py",
        "jaxlib/libjax_common.so", "torch/version.py", "torch/lib/libtorch_cpu.so", "torch/lib/libtorch_python.so",
        "openvino/cmake/OpenVINOConfig-version.cmake", "paddle/version/__init__.py",
    ]  # fmt: skip
    packages = ("tensorflow", "jax", "jaxlib", "torch", "openvino", "paddle")
    write(site, {**dict.fromkeys(names, content), **{f"{name}/__init__.py": "" for name in packages}})
    for backend in look(tmp_path).values():
        assert backend.installed is True
        assert backend.version is None


def test_links_in_a_circle_and_folders_in_the_place_of_files(tmp_path: Path, site: Path) -> None:
    (site / "torch").symlink_to("torch")
    (site / "jax" / "version.py").mkdir(parents=True)
    (site / "jax" / "__init__.py").mkdir()
    found = look(tmp_path)
    assert found["torch"].installed is False
    assert found["jax"].version is None


def test_source_is_never_run(tmp_path: Path, site: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n__version__ = '1.0'\n"
    write(site, {"torch/__init__.py": trap, "torch/version.py": trap})
    assert look(tmp_path)["torch"].version == "1.0"
    assert not (tmp_path / "ran").exists()


def test_constants_of_python_2() -> None:
    source = "print 'x'\n__version__ = '1.2'\nnumber = 3\nother = \"a\"\n  inner = 'b'\n"
    assert framework_reading.constants(source) == {"__version__": "1.2", "other": "a"}


WITNESS = """
import json, tensorflow, jax, jaxlib, torch, openvino
from tensorflow.python.platform import build_info
print(json.dumps({
    "tensorflow": [tensorflow.__version__, build_info.build_info.get("cuda_version")],
    "jax": [jax.__version__, None], "jaxlib": jaxlib.__version__,
    "torch": [torch.__version__, torch.version.cuda], "openvino": [openvino.__version__, None]}))
"""


@pytest.mark.frameworks
def test_the_frameworks_themselves_agree(tmp_path: Path, keras_environment: str) -> None:
    host = user_host(tmp_path)
    python = interpreter.probe(host, target.find(host, keras_environment, None))
    found = frameworks.probe(host, python)
    assert isinstance(found, tuple)
    output = subprocess.run(
        [keras_environment, "-c", WITNESS],
        env={**host.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    told = json.loads(output.splitlines()[-1])
    for backend in found[:4]:
        version, cuda = told[backend.name]
        assert isinstance(backend.version, str)
        assert version.startswith(backend.version)  # OpenVINO adds its build number
        assert backend.built_for.cuda == cuda
        assert os.path.isdir(str(backend.location))
        assert (backend.main_library.machine, backend.main_library.truncated) == (os.uname().machine, False)
        assert backend.main_library.missing == ()
    components = found[1].components
    assert isinstance(components, tuple)
    assert [part.version for part in components] == [told["jaxlib"]]
