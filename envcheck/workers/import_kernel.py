"""Import what a Jupyter kernel starts with, and tell nothing else: what fails here keeps every kernel from starting."""

import importlib


def main(request, channel):
    channel.stage("import ipykernel")
    importlib.import_module("ipykernel.kernelapp")  # brings zmq, tornado, traitlets, jupyter_client and IPython
