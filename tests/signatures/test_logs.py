"""Each cause comes first for its own log, also among noise; harmless logs and mistakes in programs blame nothing."""

from pathlib import Path

import pytest

from envcheck.signatures import match_text
from envcheck.signatures.catalogue import catalogue

HERE = Path(__file__).parent
LOGS = sorted((HERE / "logs").glob("*.log"))
USERS_OWN = (HERE / "users_own.txt").read_text().split("\n----\n")
FORMS = (HERE / "forms.txt").read_text().split("\n----\n")
"""The id of a cause, and below it one of the forms in which programs of all ages print it."""
NOISE = "\n".join(
    (HERE / "logs" / f"{id}.log").read_text()
    for id in (
        "harmless-numa-node",
        "harmless-onednn-notice",
        "harmless-cpu-feature-notice",
        "harmless-xla-factory-registration",
        "harmless-tensorrt-missing",
        "harmless-log-before-absl-init",
    )
)
SEVERITY = {cause.id: cause.severity for cause in catalogue().causes}


def named(path: Path):  # type: ignore[no-untyped-def]
    return path.stem


@pytest.mark.parametrize("log", LOGS, ids=named)
def test_the_cause_comes_first(log: Path) -> None:
    assert [found.id for found in match_text(log.read_text())][:1] == [log.stem]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.partition("\n")[0])
def test_a_message_is_known_in_its_many_forms(form: str) -> None:
    id, _, text = form.partition("\n")
    assert match_text(text)[0].id == id


@pytest.mark.parametrize("log", [log for log in LOGS if SEVERITY[log.stem] in ("error", "warning")], ids=named)
def test_noise_never_wins(log: Path) -> None:
    for text in (NOISE + "\n" + log.read_text(), log.read_text() + "\n" + NOISE):
        assert not match_text(text)[0].harmless


@pytest.mark.parametrize("log", [log for log in LOGS if SEVERITY[log.stem] == "harmless"], ids=named)
def test_harmless_logs_blame_nothing(log: Path) -> None:
    assert [found.id for found in match_text(log.read_text()) if not found.harmless] == []


@pytest.mark.parametrize("text", USERS_OWN, ids=lambda text: text.strip().splitlines()[-1][:60])
def test_silent_on_what_is_not_about_the_environment(text: str) -> None:
    assert [found.id for found in match_text(text) if not found.harmless] == []


@pytest.mark.parametrize("log", sorted((HERE / "healthy").glob("*.log")), ids=named)
def test_what_healthy_frameworks_print_without_a_gpu_blames_nothing(log: Path) -> None:
    assert [found.id for found in match_text(log.read_text()) if not found.harmless] == []


@pytest.mark.parametrize("log", sorted((HERE / "mistakes").glob("*.log")), ids=named)
def test_silent_on_what_frameworks_say_to_mistakes_in_programs(log: Path) -> None:
    assert [found.id for found in match_text(log.read_text()) if not found.harmless] == []


def test_all_messages_can_be_filled_in() -> None:
    for log in LOGS:
        for found in match_text(log.read_text()):
            assert found.cause.title.format_map(found.values)
            assert found.cause.message.format_map(found.values)


def test_a_symptom_is_ranked_below_its_root() -> None:
    text = (HERE / "logs" / "secure-boot-rejects-nvidia-module.log").read_text()
    text += (HERE / "logs" / "nvidia-kernel-module-not-loaded.log").read_text()
    first, second = match_text(text)[:2]
    assert first.id == "secure-boot-rejects-nvidia-module"
    assert second.explained_by == first.id


def test_a_hint_that_misleads_does_not_decide() -> None:
    text = (
        "UserWarning: CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment, "
        "e.g. changing env variable CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero."
    )
    assert match_text(text)[0].id == "nvidia-uvm-not-loaded"
