"""What a decoded value is."""

from wsendpoints.dialects.values import is_array, is_object


def test_objects_and_arrays_are_told_apart() -> None:
    """A dict is an object, a list an array, and anything else neither."""
    values: list[object] = [{}, [], (), "", None, 1]
    assert [is_object(value) for value in values] == [True, *[False] * 5]
    assert [is_array(value) for value in values] == [False, True, *[False] * 4]
