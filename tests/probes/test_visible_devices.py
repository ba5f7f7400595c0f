"""What CUDA_VISIBLE_DEVICES leaves."""

import pytest

from envcheck.model.facts import MigDevice, NvidiaGpu, NvidiaGpuVolatile
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes.visible_devices import resolve

UNSEEN = Unknown("skipped")


def gpu(index: int, name: str = "NVIDIA H100", mig: tuple[str, ...] = ()) -> NvidiaGpu:
    devices = tuple(
        MigDevice(index=number, name="slice", uuid=uuid, memory_total_bytes=1, gpu_instance=7, compute_instance=number)
        for number, uuid in enumerate(mig)
    )
    return NvidiaGpu(
        index=index,
        name=name,
        uuid=f"GPU-{index}beef-cafe",
        pci_address=UNSEEN,
        compute_capability=UNSEEN,
        memory_total_bytes=UNSEEN,
        compute_mode=UNSEEN,
        mig_mode=UNSEEN,
        persistence_mode=UNSEEN,
        mig_devices=devices,
        volatile=all_unknown(NvidiaGpuVolatile, UNSEEN),
    )


FOUR = tuple(gpu(index) for index in range(4))


@pytest.mark.parametrize(
    ("value", "left", "cut_at"),
    [
        (None, (0, 1, 2, 3), None),
        ("", (), None),
        ("2", (2,), None),
        ("3,1", (3, 1), None),
        (" 0 , 2 ", (0, 2), None),
        ("-1", (), "-1"),
        ("0,7,1", (0,), "7"),
        ("4,1", (), "4"),  # one past the last
        ("0,,1", (0,), ""),
        ("NoDevFiles", (), "NoDevFiles"),
        ("all", (), "all"),
        ("GPU-2beef-cafe,0", (2, 0), None),
        ("GPU-3b", (3,), None),
        ("GPU-", (), "GPU-"),
        ("GPU-9beef", (), "GPU-9beef"),
        ("MIG-unknown", (), "MIG-unknown"),
    ],
)
def test_entries(value: str | None, left: tuple[int, ...], cut_at: str | None) -> None:
    told = resolve({} if value is None else {"CUDA_VISIBLE_DEVICES": value}, FOUR)
    assert (told.value, told.gpus, told.cut_at, told.mig_devices) == (value, left, cut_at, ())


def test_slices() -> None:
    gpus = (gpu(0), gpu(1, mig=("MIG-aaaa", "MIG-bbbb")))
    told = resolve({"CUDA_VISIBLE_DEVICES": "MIG-bbbb,MIG-GPU-1beef-cafe/7/0"}, gpus)
    assert (told.gpus, told.mig_devices, told.cut_at) == ((1,), ("MIG-bbbb", "MIG-aaaa"), None)


def test_numbers_of_unequal_cards_are_cudas_secret() -> None:
    mixed = (gpu(0, "NVIDIA GeForce GTX 1080"), gpu(1, "NVIDIA GeForce RTX 4090"))
    fastest = resolve({"CUDA_VISIBLE_DEVICES": "0"}, mixed)
    assert isinstance(fastest.gpus, Unknown)
    by_address = resolve({"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, mixed)
    assert (by_address.gpus, by_address.order) == ((0,), "pci")
    assert resolve({"CUDA_VISIBLE_DEVICES": "GPU-1"}, mixed).gpus == (1,)
    assert resolve({"CUDA_VISIBLE_DEVICES": "2"}, mixed).gpus == ()


def test_gpus_that_could_not_be_listed() -> None:
    why = Unknown("crashed", "NVML")
    told = resolve({"CUDA_VISIBLE_DEVICES": "0"}, why)
    assert (told.value, told.gpus) == ("0", why)
