"""The life of one connection: handshake, messages, tasks, time limits, end."""
