"""Tests of `wsendpoints.paths`, a file for each of its modules."""
