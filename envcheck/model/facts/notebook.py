"""Jupyter's kernels."""

from envcheck.model.facts.kinds import NOT_RECORDED, Flag, OptionalText, Texts
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class Kernel(Record, frozen=True, kw_only=True):
    """One Jupyter kernelspec."""

    name: str
    display_name: OptionalText
    path: str
    argv: Texts
    interpreter: OptionalText  #: the program that it starts
    interpreter_exists: Flag
    language: OptionalText
    starts_target: Flag = NOT_RECORDED  #: its interpreter is the target


class Notebook(Record, frozen=True, kw_only=True):
    kernels: tuple[Kernel, ...] | Unknown
    ipykernel_version: OptionalText  #: installed in the target; None: it is not
