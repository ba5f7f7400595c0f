"""What the files of each era's framework tell without an import: read once from the wheels that the lock files name."""

from typing import NamedTuple


class Told(NamedTuple):
    """None: the build is without it; ``?``: its files do not tell."""

    cuda: str | None
    cudnn: str | None
    compute_capabilities: tuple[str, ...] | str
    numpy_abi: tuple[str, ...] | str
    instruction_sets: tuple[str, ...] | str
    library: str | None
    glibc: str | None
    libstdcxx: str | None


INTERNAL, CC = "_pywrap_tensorflow_internal.so", "libtensorflow_cc.so.2"
OF_2_4 = ("3.5", "5.0", "6.0", "7.0", "7.5", "compute_80")
THEANO = Told("?", "?", "?", "?", "?", None, None, None)
CNTK = Told(None, None, (), ("1",), (), "libCntk.Core-2.7.so", "2.17", "3.4.21")
MXNET = Told(None, None, (), "?", ("avx",), "libmxnet.so", "2.14", "3.4.19")
JAX_0_10 = Told(None, None, (), ("1", "2"), ("avx",), "libjax_common.so", "2.27", "3.4.22")

BUILDS = {
    ("tf114", "tensorflow"): Told(None, None, (), ("1",), ("avx",), INTERNAL, "2.17", "3.4.19"),
    ("tf115", "tensorflow"): Told(None, None, (), ("1",), ("avx",), INTERNAL, "2.12", "3.4.11"),
    ("legacy", "tensorflow"): Told(None, None, (), ("1",), ("avx",), INTERNAL, "2.12", "3.4.11"),
    ("tf23", "tensorflow"): Told(
        "10.1", "7", ("3.5", "3.7", "5.2", "6.0", "6.1", "compute_70"), ("1",), ("avx",), INTERNAL, "2.12", "3.4.11"
    ),
    ("tf24", "tensorflow"): Told("11.0", "8", OF_2_4, ("1",), ("avx",), INTERNAL, "2.12", "3.4.11"),
    ("tf26", "tensorflow"): Told("11.2", "8", OF_2_4, ("1",), ("avx",), INTERNAL, "2.12", "3.4.13"),
    ("tf28", "tensorflow"): Told("11.2", "8", OF_2_4, ("1",), ("avx",), INTERNAL, "2.12", "3.4.13"),
    ("tf210", "tensorflow"): Told("11.2", "8", OF_2_4, ("1",), ("avx",), INTERNAL, "2.17", "3.4.19"),
    ("tf212", "tensorflow"): Told("11.8", "8", OF_2_4, ("1",), ("avx",), CC, "2.17", "3.4.19"),
    ("tf212", "jax"): Told(None, None, (), ("1", "2"), ("avx",), "xla_extension.so", "2.17", "3.4.19"),
    ("tf215", "tensorflow"): Told(
        "12.2", "8", ("5.0", "6.0", "7.0", "7.5", "compute_80"), ("1",), ("avx",), CC, "2.17", "3.4.19"
    ),
    ("tfk", "tensorflow"): Told(
        "12.5.1", "9", ("6.0", "7.0", "8.0", "8.9", "compute_90"), ("1", "2"), ("avx",), CC, "2.27", "3.4.22"
    ),
    ("theano", "theano"): THEANO,
    ("legacy", "theano"): THEANO,
    ("cntk", "cntk"): CNTK,
    ("legacy", "cntk"): CNTK,
    ("kmx", "mxnet"): MXNET,
    ("mxnet", "mxnet"): MXNET,
    ("plaid", "plaidml"): Told(None, None, (), "?", "?", "libplaidml.so", "2.11", None),
    ("paddle", "paddle"): Told(None, None, (), "?", ("avx", "avx2"), "libpaddle.so", "2.17", "3.4.22"),
    ("ort", "onnxruntime"): Told(
        None, None, (), ("1", "2"), (), "libonnxruntime.so.1.32.0", "2.28", "3.4.22"
    ),
    ("jaxalone", "jax"): JAX_0_10,
    ("torchalone", "torch"): Told(None, None, (), ("1", "2"), (), "libtorch_cpu.so", "2.28", "3.4.22"),
}  # fmt: skip
