from envcheck.excepthook import install_excepthook as install_excepthook
from envcheck.library import (
    RequirementError as RequirementError,
    check as check,
    explain as explain,
    load as load,
    require as require,
)
from envcheck.probes.target import TargetError as TargetError
from envcheck.report import Report as Report
from envcheck.snapshot import SnapshotError as SnapshotError

__version__: str
