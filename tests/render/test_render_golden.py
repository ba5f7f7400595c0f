"""What is printed equals what is committed; ``PYTHONPATH=.:tests python -m render.goldens`` writes it anew."""

import pytest
from render import goldens

TEXTS = goldens.texts()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_is_what_is_committed(name: str) -> None:
    assert TEXTS[name]() == (goldens.FOLDER / name).read_text(encoding="utf-8")


def test_no_file_is_left_over() -> None:
    assert sorted(path.name for path in goldens.FOLDER.iterdir()) == sorted(TEXTS)
