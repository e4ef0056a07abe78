"""Tests of `wsendpoints.protocol`, a file for each of its modules."""
