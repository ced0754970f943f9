#!/bin/sh
# Cargo calls this in the compiler's place, for our crates alone: coverage.py.
exec "$@" -C instrument-coverage
