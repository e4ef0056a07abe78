"""Tests of `wsendpoints.handshake`, a file for each of its modules."""
