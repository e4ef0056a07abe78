"""The same application, written five times: docs/comparison.md tells what it does."""
