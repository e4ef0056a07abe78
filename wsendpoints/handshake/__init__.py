"""What a client asks for, and whether it is let in: read-only, before the connection opens."""
