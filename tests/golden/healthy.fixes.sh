#!/bin/sh
# Written by envcheck 0.1.0 from the report of 2026-11-22T19:00:00+00:00.
# Read it before you run it. It stops at the first error.
set -eu

printf '%s\n' 'Nothing to do: no error and no warning was found.'
