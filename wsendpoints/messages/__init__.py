"""Converts frames to messages and back, by code compiled once, with the endpoint class."""
