"""The rules of a connection: events, states, close codes, limits. No I/O and no pydantic."""
