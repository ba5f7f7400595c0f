"""No dress hides a sign: colours, prefixes, encodings, line ends, broken lines."""

import html
import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from envcheck.signatures import Match, judge, match, match_text, scan_bytes
from envcheck.signatures.scan import MOST_SUSPICIOUS

LINE = "failed call to cuInit: CUDA_ERROR_SYSTEM_NOT_READY: system not yet initialized"
CAUSE = "fabric-manager-not-running"


def first(data: bytes | str) -> Match | None:
    matches = match_text(data) if isinstance(data, str) else judge(scan_bytes([data]))
    return matches[0] if matches else None


@pytest.mark.parametrize(
    "dressed",
    [
        "\x1b[1;31mE\x1b[0m failed call to \x1b[4mcuInit\x1b[0m: CUDA_ERROR_SYSTEM_NOT_READY: not ready",
        f"  5%|#    | 3/60\r 10%|##   | 6/60\r{LINE}",
        f"2026-01-02T03:04:05.678901234Z stderr F {LINE}",
        f"Jan  2 03:04:05 node-7 python3[4242]: {LINE}",
        f"<3>[  123.456789] {LINE}",
        f"trainer-1  | 2026-01-02 03:04:05,678 {LINE}",
        f"[pod/trainer-0/main] {LINE}",
        f"3: {LINE}",
        f"E       {LINE}",
        f"(RayTrainWorker pid=77, ip=10.0.0.3) {LINE}",
        f"[E 2026-01-02 03:04:05.678 ServerApp] {LINE}",
        f"> > {LINE}",
        f"<span style='color:red'>{LINE}</span><br>",
        html.escape(f"'{LINE}' <module>"),
        '{"log":"' + LINE + '\\n","stream":"stderr","time":"2026-01-02T03:04:05Z"}',
        LINE.replace(" ", "  \t "),
        LINE.upper(),
    ],
)
def test_dresses(dressed: str) -> None:
    found = first(dressed)
    assert found is not None
    assert found.id == CAUSE


@pytest.mark.parametrize(
    "data",
    [
        LINE.encode("utf-16"),
        LINE.encode("utf-16-le"),
        LINE.encode("utf-16-be"),
        LINE.encode("utf-32"),
        b"\xef\xbb\xbf" + LINE.encode(),
        f"Müller: {LINE}".encode("latin-1"),
        b"\x80\x81\xff\x00\x01\n" + LINE.encode(),
        LINE.replace(" ", "\0 ").encode(),
        b"first\r\n" + LINE.encode() + b"\r\nlast\r\n",
    ],
)
def test_encodings(data: bytes) -> None:
    found = first(data)
    assert found is not None
    assert found.id == CAUSE


@pytest.mark.parametrize("width", [40, 47, 60, 72])
def test_lines_that_a_terminal_broke(width: int) -> None:
    line = f"some words before it, to make it long enough {LINE}"
    broken = "\n".join(line[start : start + width] for start in range(0, len(line), width))
    found = first(broken)
    assert found is not None
    assert found.id == CAUSE


def test_lines_of_two_programs_are_not_put_together() -> None:
    assert (
        first("2026-01-01 00:00:00 everything went well, no space left\n2026-01-01 00:00:01 on device 7 all is well")
        is None
    )


def test_interleaved_processes() -> None:
    lines = [f"[rank{number % 4}]: step {number} loss 0.5" for number in range(50)]
    lines[20:20] = ["[rank2]: Traceback (most recent call last):"]
    lines[30:30] = [f"[rank2]: RuntimeError: {LINE}"]
    found = first("\n".join(lines))
    assert found is not None
    assert found.id == CAUSE
    assert [number for number, _ in found.lines] == [31]


def test_evidence_names_the_line() -> None:
    found = first(f"one\ntwo\n{LINE}\nfour\n")
    assert found is not None
    assert found.lines == ((3, LINE),)


def test_lines_may_be_text_or_bytes_with_or_without_ends() -> None:
    for lines in (["a", LINE], [b"a\n", LINE.encode()], ["a\n", LINE + "\r\n"]):
        assert match(lines)[0].id == CAUSE


def test_chunks_may_be_cut_anywhere() -> None:
    data = f"some line\n{LINE}\nanother\n".encode()
    for size in (1, 2, 3, 7, 50):
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert judge(scan_bytes(chunks))[0].id == CAUSE


def test_a_line_without_end_is_read_in_windows() -> None:
    found = first("x" * 3_000_000 + " " + LINE + " " + "y" * 10_000)
    assert found is not None
    assert found.id == CAUSE


def test_a_number_that_counts_is_not_lost_among_many_alike() -> None:
    flood = "\n".join(f"NVRM: Xid (PCI:0000:01:00): 43, pid={pid}, Ch 8" for pid in range(5000))
    ids = {
        found.id for found in match_text(flood + "\nNVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.")
    }
    assert "gpu-fallen-off-bus" in ids


def test_suspicious_lines_are_kept_for_people() -> None:
    scanned = scan_bytes([b"all well\nsomething failed badly\nall well\n" + b"ERROR 5\n" * 100])
    assert scanned.suspicious[0] == (2, "something failed badly")
    assert len(scanned.suspicious) == MOST_SUSPICIOUS


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    judge(scan_bytes([data]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([LINE[:20], LINE[20:], "\x1b[", "\r", "\n", "&#x27;", "'", '{"log":"', "<span", "\0", "é"]),
        max_size=40,
    )
)
def test_any_pieces(pieces: list[str]) -> None:
    match_text("".join(pieces))


def _log(lines: int) -> Iterator[bytes]:
    for number in range(lines):
        yield f"step {number} failed to open library {number * 7919 % 10007} error {'ab' * (number % 9)}\n".encode()


def test_memory_does_not_grow_with_the_log() -> None:
    peaks = []

    def log() -> Iterator[bytes]:
        for number, line in enumerate(_log(400_000)):
            if number == 50_000:  # the beginning is read more closely
                tracemalloc.start()
            if number in (200_000, 399_999):
                peaks.append(tracemalloc.get_traced_memory()[1])
            yield line

    match(log())
    tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize(
    "piece",
    [
        "could not load dynamic library '",
        "undefined symbol: ",
        "no module named '",
        "a" * 50,
        "((((((((",
        "1.1.1.1.1.1.",
        "\x1b[",
        "&amp;",
        "version 'GLIBC_",
        '{"log":"',
        "<span <span ",
        "xid (pci:0000:",
        "\\n",
        "\\u001b[",
    ],
)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    """Eight times the text takes about eight times as long, not sixty-four times."""
    small, large = (piece * (size // len(piece)) for size in (40_000, 320_000))
    match_text(small)
    times = []
    for text in (small, large):
        runs = []
        for _ in range(3):
            start = time.process_time()
            match_text(text)
            runs.append(time.process_time() - start)
        times.append(min(runs))
    assert times[1] < 24 * max(times[0], 0.004)


def test_a_whole_log_in_one_string_is_read_line_by_line() -> None:
    log = "x = 1\nOSError: [WinError 126] 'C:\\new\\lib.dll' or one of its dependencies\nIllegal instruction"
    found = [match.id for match in match_text(log)]
    assert "cpu-lacks-avx" in found
    for written in (json.dumps({"stderr": log}), repr(log), repr(log.encode())):
        assert [match.id for match in match_text(written)] == found


def test_colours_that_json_wrote_down_are_dropped() -> None:
    cell = {"traceback": ["\x1b[0;31mImportError\x1b[0m: DLL load failed while importing \x1b[1m_pywrap\x1b[22m"]}
    assert [match.id for match in match_text(json.dumps(cell))][:1] == ["msvc-runtime-missing"]
