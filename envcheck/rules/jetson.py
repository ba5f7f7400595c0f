"""NVIDIA's Jetson boards, whose GPUs need builds of their own."""

import re
from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each_framework, is_first_choice, last_words, title_of
from envcheck.words import template

FOR_JETSON = "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/index.html"
AS_SERVERS = ("Thor",)
"""Boards that take the wheels made for ARM servers (NVIDIA, JetPack 7; their kernel is L4T R38)."""
VENDOR_WHEEL = re.compile(r"[+.]nv\d")
"""2.1.0a0+41361538.nv23.06, 1.15.5+nv20.12 (developer.download.nvidia.com/compute/redist/jp)."""
OTHER_CUDNN = "major and minor version needs to match"
"""tensorflow/compiler/xla/stream_executor/cuda/cuda_dnn.cc; seen on a Jetson in tensorflow/tensorflow#37606."""
TAKE_VENDORS = template(
    "Install NVIDIA's wheel for the JetPack of this board ('cat /etc/nv_tegra_release' tells it), or use the container "
    "image l4t-pytorch or l4t-tensorflow"
)
FIT_JETPACK = template(
    "Install the wheel for the JetPack of this board ('cat /etc/nv_tegra_release' tells it), or bring the board to the "
    "JetPack of the wheel"
)


def _board(facts: Facts) -> str:
    """Return the name of the Jetson board, or leave the rule."""
    board = need(facts.platform.board)
    if board is None or "Jetson" not in board:
        raise NotApplicable("not a Jetson board")
    return board


@rule(
    "jetson-generic-wheel",
    severity="warning",
    layer="backend",
    title=template("{framework} on this Jetson is a wheel for ARM in general"),
    message=template(
        "{framework} {version} is a wheel of the package index ({tag}), and this is the board {board}. Its GPU needs "
        "NVIDIA's own wheels; the general one runs on the processor, or finds no code for the GPU."
    ),
)
def jetson_generic_wheel(facts: Facts) -> Iterator[Failure]:
    """A framework on a Jetson board was installed with a plain 'pip install'.

    NVIDIA's wheels have '+nv' in their version or are tagged 'linux_aarch64'; the package index takes 'manylinux' only.
    Nothing is said of Jetson Thor, which takes the wheels for ARM servers, nor where the framework lists the GPU. It is
    only a note where Keras uses another framework.
    """
    board = _board(facts)
    if any(name in board for name in AS_SERVERS):
        raise NotApplicable("this board takes the wheels for ARM servers")
    packages = {found.name: (index, found) for index, found in enumerate(need(facts.python.packages))}

    def check(index: int, found: Backend) -> Iterator[Failure]:
        place = next((packages[name] for name in need(found.distributions) if name in packages), None)
        if found.name not in ("torch", "tensorflow") or place is None:
            return
        tags = [tag for tag in need(place[1].wheel_tags) if "manylinux" in tag]
        version = need(found.version) or ""
        if not tags or VENDOR_WHEEL.search(version):
            return
        if any(device.name.startswith("gpu") for device in need(found.devices)):
            return
        yield Failure(
            evidence=("/platform/board", f"/python/packages/{place[0]}/wheel_tags", f"/backends/{index}/version"),
            fields={"framework": title_of(found.name), "version": version, "tag": tags[0], "board": board},
            fixes=(by_hand(TAKE_VENDORS, FOR_JETSON),),
            subject=found.name,
            severity="warning" if is_first_choice(facts, found.name) else "info",
        )

    yield from for_each_framework(facts, check)


@rule(
    "jetson-wheel-jetpack-mismatch",
    severity="error",
    layer="backend",
    title=template("{framework} was built for another JetPack than that of this board"),
    message=template(
        "NVIDIA's wheels for Jetson use the cuDNN of the JetPack that they were built on, and the one on this board is "
        "another. {framework} {version} said: {said}"
    ),
)
def jetson_wheel_jetpack_mismatch(facts: Facts) -> Iterator[Failure]:
    """NVIDIA's wheel and the JetPack release of the board do not go together.

    It is said where the framework complains about the version of cuDNN on a Jetson: the libraries belong to JetPack and
    cannot be changed one by one.
    """
    _board(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, found):
            said = next((line.strip() for line in words.splitlines() if OTHER_CUDNN in line), None)
            if said and VENDOR_WHEEL.search(known(found.version, None) or ""):
                yield Failure(
                    evidence=("/platform/board", f"/backends/{index}/version", pointer),
                    fields={"framework": title_of(found.name), "version": found.version, "said": said},
                    fixes=(by_hand(FIT_JETPACK, FOR_JETSON),),
                    subject=found.name,
                )
                return

    yield from for_each_framework(facts, check)
