#!/bin/sh
# Written by envcheck 0.1.0 from the report of 2026-11-22T19:00:00+00:00.
# Read it before you run it. It stops at the first error.
set -eu
first=${1:-1}
step=1
stopped() {
  status=$?
  [ "$status" -eq 0 ] || printf 'Stopped in step %s: a command ended with status %s; nothing after it was done.'"\n" "$step" "$status" >&2
}
trap stopped EXIT

# Step 1 of 1: Install the driver from the distribution
# because: There is an NVIDIA GPU, but no NVIDIA driver [nvidia-driver-missing]
# needs root, changes the system, restart the machine afterwards
# https://example.org/install
if [ "$first" -le 1 ]; then
  step=1
  printf '%s\n' 'Step 1 of 1: Install the driver from the distribution'
  sudo apt-get update
  sudo apt-get install --yes linux-headers-amd64 nvidia-driver firmware-misc-nonfree nvidia-kernel-dkms
  # to check: nvidia-smi
fi
# instead of that: Ask whoever looks after the machine to install it

printf '%s\n' 'That was the last step. Restart the machine.'
