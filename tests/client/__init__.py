"""The client of endpoint classes."""
