"""The page that compares says what is so."""

from tests.site.lines import NAMES, PAGE, count, with_lines

TEXT = PAGE.read_text("utf-8")


def test_the_lines_are_those_of_the_files() -> None:
    """`python -m tests.site.lines` writes them."""
    assert with_lines(TEXT) == TEXT


def test_each_file_is_shown() -> None:
    """None is counted that one can't read there."""
    for name in NAMES.values():
        assert f'--8<-- "examples/comparison/with_{name}.py"' in TEXT


def test_only_code_is_counted() -> None:
    """Neither blank lines, comments, docstrings nor imports; but all lines of a statement."""
    source = '"""What it is."""\n\nimport sys\n\n__all__ = ["f"]\n\n\n# Why.\ndef f(\n    a: int,\n'
    source += ') -> str:\n    """Do."""\n    return """a\nb"""  # so\n'
    assert count(source) == 5
