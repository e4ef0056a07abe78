"""A database that tells whether its connection broke, as all but SQLite do."""
