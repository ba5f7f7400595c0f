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

# Step 1 of 3: Remove the copy from LD_LIBRARY_PATH
# because: PyTorch loads two versions of cuDNN [cudnn-two-versions]
# open a new shell afterwards
# https://example.org/install
if [ "$first" -le 1 ]; then
  step=1
  printf '%s\n' 'Step 1 of 3: Remove the copy from LD_LIBRARY_PATH'
  unset LD_LIBRARY_PATH
  printf '%s\n' 'Open a new shell, then go on with: sh THIS-FILE 2'
  exit 0
fi

# Step 2 of 3: No command is known that mends this; the report tells what was seen
# because: JAX does not finish on cpu [smoke-timed-out]
if [ "$first" -le 2 ]; then
  step=2
  printf '%s\n' 'Step 2 of 3: No command is known that mends this; the report tells what was seen'
fi

# Step 3 of 3: Turn it on
# because: Persistence mode is off [gpu-persistence-off]
# needs root, changes the system
# https://example.org/install
if [ "$first" -le 3 ]; then
  step=3
  printf '%s\n' 'Step 3 of 3: Turn it on'
  sudo nvidia-smi -pm 1
  # to check: nvidia-smi -q -d PERFORMANCE
fi

printf '%s\n' 'That was the last step.'
