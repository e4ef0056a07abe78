"""Tests of `wsendpoints.messages`, a file for each of its modules."""
