"""A torch whose import comes to the end that STAND_IN_END names."""

import os
import sys

from stand_in import come_to

sys.stderr.write("torch says something before it ends\n")
sys.stderr.flush()
come_to(os.environ["STAND_IN_END"])
