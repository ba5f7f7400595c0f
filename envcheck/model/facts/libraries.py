"""CUDA's shared libraries: which files a framework would load, and which others have their names."""

from envcheck.model.facts.kinds import NOT_RECORDED, Count, Flag, OptionalCount, OptionalText, Text, Texts
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class LibraryCandidate(Record, frozen=True, kw_only=True):
    """A file of the wanted name, or a link of that name."""

    path: str
    found_via: (
        str  #: a word of ``probes/loader.py``: ``RPATH``, ``LD_LIBRARY_PATH``, ``RUNPATH``, ``loader cache``, ...
    )
    reachable: bool  #: the loader, or the framework itself, looks there
    file: OptionalText  #: what it leads to; None: a link that leads nowhere
    problem: OptionalText  #: ``broken-link``, ``wrong-architecture``, ``truncated``, ``no-library``; None: none is seen
    version: OptionalText
    version_how: OptionalText  #: ``file name`` or ``package``
    package: OptionalText  #: what ships it; None: nothing that envcheck can ask
    needs: Texts  #: the CUDA libraries that it needs in turn
    package_cuda: OptionalText = NOT_RECORDED  #: the CUDA that its package's name or version names: ``12`` or ``12.1``


class LibrarySearch(Record, frozen=True, kw_only=True):
    """How a framework gets one of the libraries that it needs: the candidates in the order of the search."""

    framework: str
    soname: str  #: the name that is asked for, such as ``libcudnn.so.9``
    required: Flag  #: without it the framework does not use the GPU, or can't be imported
    asked_by: Text  #: the file whose run path counts: the first that asks for it
    candidates: tuple[LibraryCandidate, ...] | Unknown
    winner: OptionalCount  #: the place of the candidate that is loaded; None: the search ends without one
    other_versions: Texts = NOT_RECORDED  #: where there is no winner: files of the library under another number


class ThreadPool(Record, frozen=True, kw_only=True):
    """A library of CPU mathematics or of OpenMP, as threadpoolctl sees it in a process of the target with NumPy."""

    api: Text  #: ``blas``, ``openmp``, ...
    library: Text  #: such as ``openblas``, ``mkl`` or ``libgomp``
    path: Text
    version: OptionalText
    threads: Count
    architecture: OptionalText  #: the processor whose code it chose, such as ``SkylakeX``
    threading_layer: OptionalText  #: such as ``pthreads`` or ``intel``
