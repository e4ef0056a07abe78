"""Redis, with one that runs."""
