"""What releases need of others and do not say in their metadata."""

from collections.abc import Iterator

from packaging.version import Version

FIRST_FOR_NUMPY_2 = {"tensorflow": "2.18", "torch": "2.3", "jax": "0.4.26"}
"""The first release of each framework built for NumPy 2: Requires-Dist of tensorflow 2.18.0; the name
numpy._core._multiarray_umath in libtorch_python.so of torch 2.3.0; the changelog of jax 0.4.26 (2026-11-22)."""

BOUNDS = (
    ("tensorflow", "2.5", "h5py", "<3"),
    ("tensorflow", "2.9.1", "protobuf", "<3.21"),
    ("tensorflow", "2.9", "numpy", "<1.24"),
)
"""Releases before the second need the third as the fourth tells: tensorflow/tensorflow#44467; Requires-Dist of
tensorflow 2.9.1, which brought 'protobuf<3.20' after protobuf 4 had broken all releases before; the names that NumPy
1.24 removed (release notes of NumPy 1.24.0), which TensorFlow up to 2.8 uses (2026-11-22)."""

FIRST_CUDNN_FROM_TURING = "9.11"
"""From this release on cuDNN leaves out GPUs before Turing (compute capability 7.5): support matrices of cuDNN 9.10.0
and 9.11.0 as compared in immich-app/immich#23110; that Volta is gone: pytorch/pytorch#172352 (2026-11-23). Only used to
choose an older one for such a GPU, never to find fault."""


def bounds(name: str, version: Version) -> Iterator[tuple[str, str]]:
    """Yield the other distributions and specifiers that a release needs beyond its metadata."""
    first = FIRST_FOR_NUMPY_2.get(name)
    if first and version < Version(first):
        yield "numpy", "<2"
    for distribution, before, other, specifier in BOUNDS:
        if name == distribution and version < Version(before):
            yield other, specifier
