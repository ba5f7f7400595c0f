"""Caffe, as Debian 11 packages it or as it is built by hand: its version stands only in its library."""

from envcheck.probes.framework_reading import Build, Files, Framework


def read(files: Files) -> Build:
    binding = next((name for name in files.names("") if name.startswith("_caffe")), None)
    return Build(library=files.first(binding) if binding else None)


FRAMEWORK = Framework(name="caffe", module="caffe", position=9, read=read)
