"""From what terminals, loggers and web pages make of a line back to what the program printed."""

import html
import re

MAX_LINE = 2000  #: characters of a line that are read; a longer line is read in overlapping windows
_OVERLAP = 300

_ANSI = re.compile(
    r"(?:\x1b|\\u001b|\\x1b)\[[0-9;:?]{0,40}[ -/]?[@-~]"
    r"|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|\^\[\[[0-9;]{0,20}m"
)
#: a line break, and what else JSON and Python literals write with a backslash before it
_WRITTEN_BREAK = re.compile(r"(?<!\\)(?:\\r)?\\n")
_WRITTEN_PLAIN = re.compile(r"""\\(["'\\])""")
_TAG = re.compile(r"</?(?:span|br|div|pre|code|p|b|i|u|font|td|tr|li|strong|em|a)\b[^<>]{0,200}>", re.IGNORECASE)
_QUOTES = str.maketrans({**dict.fromkeys('‘’‛′´`“”„"', "'"), "\u00a0": " ", "–": "-", "—": "-", "\0": ""})
_JSON_LOG = re.compile(r'^\{"log":"(.*)","stream":"(?:stdout|stderr)".{0,200}\}$')
_STAMP = r"\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIX = re.compile(
    "|".join(
        (
            rf"\[?{_STAMP}\]?:?\s+(?:(?:stdout|stderr) [FP] )?",  # ISO time, as of containerd, GitHub, TensorFlow
            r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)? \S{1,80} [\w./@-]{1,60}(?:\[\d+\])?: ",  # syslog
            r"(?:<\d{1,2}>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?",  # kernel
            r"\[\d\d:\d\d:\d\d(?:\.\d+)?\] ?",
            r"[\w.-]{1,60} +\| ",  # docker compose
            r"\[?rank ?\d+\]?: ?",
            r"\(\w[\w ()-]{0,60}pid=\d+(?:, ip=[\d.]+)?\) ?",  # Ray
            r"\[(?:pod/)?[\w./-]{1,120}\] (?=\S)",  # kubectl logs --prefix
            r"\d{1,5}: (?=\D)",  # srun --label
            r"\[[IWEDC] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]* \w+\] ?",  # Jupyter
            r"\[[IWEDC] \d\d:\d\d:\d\d[.\d]* \w+\] ?",
            r"E {3,7}(?=\S)",  # pytest
            r"(?:> ?){1,3}(?=[^>])",  # quoted
        )
    )
)
_MOST_PREFIXES = 4


def clean(raw: str) -> list[str]:
    """Return the texts that a raw line showed, one for each carriage return and window.

    Where JSON or a Python literal holds a whole log, each of its lines is a text too.
    """
    if "\x1b" in raw or "^[[" in raw or "\\u001b" in raw or "\\x1b" in raw:
        raw = _ANSI.sub("", raw)
    parts = raw.split("\r")
    if "\\n" in raw:
        parts += [_WRITTEN_PLAIN.sub(r"\1", part) for part in _WRITTEN_BREAK.split(raw)]
    texts = []
    for part in dict.fromkeys(parts):
        texts += [text for text in map(_clean_part, _windows(part)) if text]
    return texts


def plain_quotes(text: str) -> str:
    """Return text with every kind of quotation mark as ``'``."""
    return text.translate(_QUOTES)


def without_prefix(text: str) -> str:
    """Return a clean line without time stamps, process names and the like."""
    for _ in range(_MOST_PREFIXES):
        prefix = _PREFIX.match(text)
        if prefix is None or prefix.end() == 0:
            break
        text = text[prefix.end() :]
    return text


def _clean_part(part: str) -> str:
    wrapped = _JSON_LOG.match(part) if part.startswith("{") else None
    if wrapped is not None:
        part = wrapped.group(1).replace('\\"', "'").replace("\\n", " ").replace("\\t", " ").replace("\\\\", "\\")
    if "<" in part:
        part = _TAG.sub(" ", part)
    if "&" in part:
        part = html.unescape(part)
    part = plain_quotes(part)
    return " ".join(part.split())


def _windows(part: str) -> list[str]:
    if len(part) <= MAX_LINE:
        return [part]
    return [part[start : start + MAX_LINE] for start in range(0, len(part), MAX_LINE - _OVERLAP)]
