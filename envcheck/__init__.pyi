from envcheck.excepthook import install_excepthook as install_excepthook
from envcheck.library import RequirementError as RequirementError
from envcheck.library import check as check
from envcheck.library import explain as explain
from envcheck.library import load as load
from envcheck.library import require as require
from envcheck.snapshot import SnapshotError as SnapshotError
from envcheck.probes.target import TargetError as TargetError
from envcheck.report import Report as Report

__version__: str
