"""Run by the interpreter of an era, see ``test_eras.py``: where TensorFlow 1 runs the stages, with two CPU devices.

PYTHON graph_placement.py FOLDER_OF_THE_STAGES
"""

import importlib
import importlib.util
import json
import os
import sys

import keras
import tensorflow as tf

path = os.path.join(sys.argv[1], "__init__.py")
spec = importlib.util.spec_from_file_location("envcheck_smoke", path, submodule_search_locations=[sys.argv[1]])
package = importlib.util.module_from_spec(spec)
sys.modules["envcheck_smoke"] = package
spec.loader.exec_module(package)
framework = importlib.import_module("envcheck_smoke.keras2_tensorflow1")
stages = importlib.import_module("envcheck_smoke.keras2_stages")
shared = importlib.import_module("envcheck_smoke.stages")
answers = importlib.import_module("envcheck_smoke.answers")

config = tf.compat.v1.ConfigProto(device_count={"CPU": 2}, allow_soft_placement=True)
tf.compat.v1.keras.backend.set_session(tf.compat.v1.Session(config=config))
framework.loaded(keras)


def bench(name):
    device = {"kind": name[8:11].lower(), "name": name, "framework_name": name}
    return stages.Keras2Bench(keras, framework, device, answers.Answers(), None)


second, absent = bench("/device:CPU:1"), bench("/device:GPU:0")
pair = [bench("/device:CPU:0").device, second.device]
# The stage 'speed' measures and says nothing of the place.
found = {name: stage(second)["placed_on"] for name, stage in stages.STAGES if name != "speed"}
found["all-devices"] = shared.all_devices(second, pair)["placed_on"]
try:
    found["absent"] = stages.matmul(absent)["placed_on"]
except answers.WrongDevice as wrong:
    found["absent"] = str(wrong)
print(json.dumps(found))
