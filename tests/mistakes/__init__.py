"""Checks of what a class body says, each mistake with its text."""
