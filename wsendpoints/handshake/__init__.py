"""Reads a handshake and decides whether the client may connect. Sends nothing."""
