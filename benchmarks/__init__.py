"""Ratios against hand-written loops, measured in one run: `python -m benchmarks.messages`."""
