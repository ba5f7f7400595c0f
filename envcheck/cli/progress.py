"""Progress on a terminal: a line per backend with the stage that runs now, on standard error."""

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Lines, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from envcheck.words import sentence, template

LOOKING = template("looking at the machine")


class Progress:
    """A display that is called with (backend, device, stage), from any thread, and leaves nothing behind."""

    def __init__(self) -> None:
        self._lines = Lines(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[stage]}", style="dim"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Progress":
        self._lines.start()
        self("envcheck", "", sentence(LOOKING))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.stop()

    def __call__(self, backend: str, device: str, stage: str) -> None:
        words = f"{device} {stage}".strip()
        with self._lock:
            if backend in self._tasks:
                self._lines.update(self._tasks[backend], stage=words)
            else:
                self._tasks[backend] = self._lines.add_task(backend, total=None, stage=words)
