"""What may be said on a connection, and how much of it: rules alone, without I/O or pydantic."""
