"""The site of the documentation: its pages, its reference, and the pictures made of code."""
