#!/bin/sh
# Written by envcheck 0.1.0 from the report of 2026-11-22T19:00:00+00:00.
# Read it before you run it. It stops at the first error.
# To begin at a later step, give its number: sh THIS-FILE 2
set -eu
first=${1:-1}
step=1
stopped() {
  status=$?
  [ "$status" -eq 0 ] || printf 'Stopped in step %s: a command ended with status %s; nothing after it was done.'"\n" "$step" "$status" >&2
}
trap stopped EXIT

# Step 1 of 2: Install a build for this processor
# because: Importing TensorFlow kills the interpreter [framework-import-crashed]
# changes the environment, restart the notebook kernel afterwards
# https://example.org/install
if [ "$first" -le 1 ]; then
  step=1
  printf '%s\n' 'Step 1 of 2: Install a build for this processor'
  /home/ada/work/.venv/bin/python -m pip install --force-reinstall --no-cache-dir 'tensorflow==2.20.*'
fi

# Step 2 of 2: Start the container with more
# because: /dev/shm is small (64.0 MiB) [shared-memory-small]
# changes the system
# https://example.org/install
if [ "$first" -le 2 ]; then
  step=2
  printf '%s\n' 'Step 2 of 2: Start the container with more'
  docker run --shm-size=8g IMAGE
fi

printf '%s\n' 'That was the last step. Restart the notebook kernel.'
