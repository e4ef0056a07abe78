"""Protocols as their own clients speak them: clients that nobody here wrote."""
