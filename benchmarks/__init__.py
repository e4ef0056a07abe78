"""What this library costs, in ratios to other ways to write the same: `python -m benchmarks`."""
