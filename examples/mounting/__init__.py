"""The same endpoint in every framework."""
