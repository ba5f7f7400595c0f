"""What the workers of the smoke test say on their channel, see ``workers/smoke_keras3.py``."""

import msgspec

from envcheck.model.facts import Stage, StageVolatile


class SaidStage(msgspec.Struct, frozen=True):
    device: str
    name: str
    status: str
    seconds: float
    detail: str
    failure: str | None = None
    deviation: float | None = None
    tolerance: float | None = None
    placed_on: str | None = None
    seconds_first_step: float | None = None
    seconds_steady_step: float | None = None
    tolerance_reason: str | None = None
    gflops: float | None = None
    matrix_size: int | None = None
    answers: tuple[float, ...] = ()

    def record(self) -> Stage:
        return Stage(
            name=self.name,
            status=self.status,
            seconds=self.seconds,
            detail=self.detail,
            tolerance=self.tolerance,
            tolerance_reason=self.tolerance_reason,
            failure=self.failure,
            volatile=StageVolatile(
                deviation=self.deviation,
                seconds_first_step=self.seconds_first_step,
                seconds_steady_step=self.seconds_steady_step,
                gflops=self.gflops,
                matrix_size=self.matrix_size,
            ),
        )


class SaidDevice(msgspec.Struct, frozen=True):
    name: str
    framework_name: str
    description: str | None


class SaidLibrary(msgspec.Struct, frozen=True):
    soname: str
    path: str
    version: str | None


class SaidEnd(msgspec.Struct, frozen=True):
    name: str
    status: str
    failed_stage: str | None
    reason: str | None
