"""Tests of `wsendpoints.lifecycle`, a file for each of its modules."""
