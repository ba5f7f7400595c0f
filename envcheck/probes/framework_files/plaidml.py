"""PlaidML. Only its metadata tell the version."""

from envcheck.probes.framework_reading import Build, Files, Framework


def read(files: Files) -> Build:
    # <prefix>/lib/python3.7/site-packages/plaidml and <prefix>/lib/libplaidml.so
    return Build(
        cuda=None,
        cudnn=None,
        rocm=None,
        compute_capabilities=(),
        library=files.first("../../../libplaidml.so", "../../../libplaidml.dylib"),
    )


FRAMEWORK = Framework(
    name="plaidml", module="plaidml", position=10, read=read, distributions=("plaidml",), guests=("plaidml-keras",)
)
