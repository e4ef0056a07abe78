"""Tests of `wsendpoints.contract`, a file for each of its modules."""
