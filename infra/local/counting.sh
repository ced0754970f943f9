#!/bin/sh
# Cargo calls this in the compiler's place, for our crates alone: coverage.py. Its LLVM tools can't read what is compressed.
exec "$@" -C instrument-coverage -C llvm-args=-enable-name-compression=false
