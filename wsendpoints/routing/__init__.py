"""What a router is made of: its paths and what they match, what may be there, what it tells."""
