"""Tests of `wsendpoints.routing`, a file for each of its modules."""
