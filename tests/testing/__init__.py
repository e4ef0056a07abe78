"""Tests of the test client, which plays the ASGI server."""
