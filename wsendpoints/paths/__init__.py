"""What the paths of a router match, and which comes first; what of a path is a host's."""
