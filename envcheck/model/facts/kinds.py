"""The kinds of values that a fact can have; each admits ``Unknown``."""

from envcheck.model.unknown import Unknown

Text = str | Unknown
OptionalText = str | None | Unknown
Flag = bool | Unknown
Count = int | Unknown
OptionalCount = int | None | Unknown
Number = float | Unknown
Texts = tuple[str, ...] | Unknown
OptionalFlag = bool | None | Unknown

NOT_RECORDED = Unknown("skipped", "not recorded")  #: for facts that older snapshots do not hold
