"""The same conversations on real servers, with real clients, in real frameworks."""
