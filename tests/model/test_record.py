"""Records: filled with Unknown, addressed by pointers, and compared without what changes by the minute."""

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from envcheck.model import facts as model
from envcheck.model.facts import Facts, stable_facts
from envcheck.model.record import Record, all_unknown, resolve_pointer
from envcheck.model.unknown import Unknown

CRASHED = Unknown("crashed", "SIGSEGV")


def records() -> list[type[Record]]:
    """Return every record that stands for a floor or a part of one, and so for one probe."""

    def below(record: type[Record]) -> Iterator[type[Record]]:
        yield record
        for field in msgspec.structs.fields(record):
            if isinstance(field.type, type) and issubclass(field.type, Record):
                yield from below(field.type)

    return list(below(Facts))


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_every_floor_can_be_unknown(record: type[Record]) -> None:
    filled = all_unknown(record, CRASHED)
    leaves = list(required(filled))
    assert leaves and all(leaf == CRASHED for leaf in leaves)
    again = msgspec.json.decode(msgspec.json.encode(filled), type=record)
    assert again == filled


def required(record: Record) -> Iterator[Any]:
    """Return the values of all fields that have no default, also of the records inside."""
    for field in msgspec.structs.fields(type(record)):
        value = getattr(record, field.name)
        if isinstance(value, Record):
            yield from required(value)
        elif field.required:
            yield value


def test_a_record_that_cannot_be_unknown_says_so() -> None:
    class Named(Record, frozen=True, kw_only=True):
        name: str
        size: int | Unknown

    with pytest.raises(TypeError, match=r"Named\.name admits no Unknown"):
        all_unknown(Named, CRASHED)


def test_every_field_of_every_record_can_be_decoded() -> None:
    # msgspec refuses some unions only when it meets them: build the decoder of all.
    assert msgspec.json.Decoder(Facts)
    names = [name for name in vars(model) if isinstance(getattr(model, name), type)]
    assert len(names) > 20
    for name in names:
        kind = getattr(model, name)
        if issubclass(kind, Record) and kind is not Record:
            assert msgspec.json.Decoder(kind)
            assert typing.get_type_hints(kind)


DOCUMENT = {"a": {"b/c": [10, {"~d": "deep"}], "": 0}, "tuple": (1, (2, 3))}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/a/b~1c/0", 10),
        ("/a/b~1c/1/~0d", "deep"),
        ("/a/", 0),
        ("/tuple/1/0", 2),
    ],
)
def test_pointer(pointer: str, value: Any) -> None:
    assert resolve_pointer(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer",
    ["a", "/b", "/a/b~1c/2", "/a/b~1c/-1", "/a/b~1c/x", "/a/b~1c/0/0", "/tuple/2", "log:3", "/a/b~1c/1/~0d/0"],
)
def test_pointer_to_nothing(pointer: str) -> None:
    with pytest.raises(LookupError):
        resolve_pointer(DOCUMENT, pointer)


def test_pointer_into_facts() -> None:
    facts = all_unknown(Facts, CRASHED)
    cpu = msgspec.structs.replace(facts.hardware.cpu, instruction_sets=("sse4_1", "avx"))
    facts = msgspec.structs.replace(facts, hardware=msgspec.structs.replace(facts.hardware, cpu=cpu))
    document = msgspec.to_builtins(facts)
    assert resolve_pointer(document, "/hardware/cpu/instruction_sets/1") == "avx"
    assert resolve_pointer(document, "/driver/nvidia/version/unknown") == "crashed"


def test_stable_facts_leave_out_what_changes() -> None:
    def machine(temperature: int, seconds: float, name: str = "H100") -> Facts:
        volatile = msgspec.structs.replace(
            all_unknown(model.NvidiaGpuVolatile, CRASHED), temperature_celsius=temperature
        )
        gpu = msgspec.convert(
            {
                **{field.name: {"unknown": "failed"} for field in msgspec.structs.fields(model.NvidiaGpu)},
                "index": 0,
                "name": name,
                "volatile": msgspec.to_builtins(volatile),
            },
            model.NvidiaGpu,
        )
        facts = all_unknown(Facts, CRASHED)
        driver = model.Driver(nvidia=msgspec.structs.replace(facts.driver.nvidia, gpus=(gpu,)))
        run = msgspec.convert(
            {
                **{field.name: {"unknown": "failed"} for field in msgspec.structs.fields(model.SmokeRun)},
                "backend": "torch",
                "device": "gpu:0",
                "status": "passed",
                "stages": [
                    {
                        "name": "matmul",
                        "status": "passed",
                        "seconds": seconds,
                        "detail": "",
                        "tolerance": None,
                        "volatile": {"deviation": seconds},
                    }
                ],
                "stderr_tail": f"took {seconds}",
            },
            model.SmokeRun,
        )
        return msgspec.structs.replace(facts, driver=driver, smoke=(run,))

    assert machine(30, 0.5) != machine(80, 1.5)
    assert stable_facts(machine(30, 0.5)) == stable_facts(machine(80, 1.5))
    assert stable_facts(machine(30, 0.5)) != stable_facts(machine(30, 0.5, name="A100"))
    stable = stable_facts(machine(30, 0.5))
    assert stable["smoke"][0]["stages"][0]["name"] == "matmul"
    assert "volatile" not in stable["driver"]["nvidia"]["gpus"][0]
