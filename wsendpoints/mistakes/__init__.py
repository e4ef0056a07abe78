"""Finds mistakes in a class body that Python lets pass, when the class is made or mounted."""
