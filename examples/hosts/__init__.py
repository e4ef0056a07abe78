"""Notebooks, as users of each framework write them: its dependencies, and a session a message."""
