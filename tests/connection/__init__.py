"""Tests of `wsendpoints.connection`, a file for each of its modules."""
