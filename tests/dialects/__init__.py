"""Tests of `wsendpoints.dialects`, a file for each of its modules."""
