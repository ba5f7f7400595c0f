"""The parts of the smoke test.

Workers import this folder from beside them, see ``_load`` of ``_boot.py``. Each ``use_NAME`` module imports the
framework NAME and offers the same functions, so that the stages need not know which framework they run on:

``version()``                        its version
``devices()``                        what it can compute on: dicts with ``kind``, ``framework_name``, ``description``
``notes()``                          its own words on why a device is missing
``scope(device)``                    a context in which Keras puts tensors and layers on the device
``put(values, device)``              a NumPy array as the framework's own tensor on the device
``where(tensor)``                    the ``framework_name`` of the device that holds a tensor
``arithmetic(device)``               the number format of its float32 products: a key of the known answers' tolerances
``why_not(stage, device)``           why a stage makes no sense here, or None
``compiled(function, device, ...)``  the function under the framework's compiler
``products(values, device)``         a function that multiplies a square matrix with itself so many times, where Keras
                                     is not the way to do it
``reduced_dtypes(device)``           the short number formats that the device computes in
``sharded_step(devices, ...)``       one training step over several devices
"""
