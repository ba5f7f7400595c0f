"""PlaidML. Only its metadata tell the version."""

from envcheck.probes.framework_reading import Build, Files, Framework


def read(files: Files) -> Build:
    return Build(cuda=None, cudnn=None, rocm=None, compute_capabilities=())


FRAMEWORK = Framework(
    name="plaidml", module="plaidml", position=10, read=read, distributions=("plaidml",), guests=("plaidml-keras",)
)
