"""The pictures show what the code does, and load nothing."""

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from tests.site import bars, states
from tests.site.pictures import IMAGES, PICTURES
from wsendpoints.protocol.state import RECEIVED, SENT, ConnectionState


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_that_of_the_code(name: str) -> None:
    """`python -m tests.site.pictures` writes it."""
    assert (IMAGES / name).read_text("utf-8") == PICTURES[name]()


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_can_be_seen_without_anything_else(name: str) -> None:
    """It is XML with a title, refers to nothing outside, and is shown in a page."""
    text = (IMAGES / name).read_text("utf-8")
    root = ET.fromstring(text)  # noqa: S314 - it is ours
    assert root.findtext("{http://www.w3.org/2000/svg}title")
    assert {*re.findall(r"url\((.*?)\)|href=", text)} <= {"#head"}
    pages = [page.read_text("utf-8") for page in IMAGES.parent.rglob("*.md")]
    assert any(f"](images/{name})" in page for page in pages)


def test_each_state_and_each_event_is_in_the_picture() -> None:
    """No row of the tables is left out."""
    shown = re.findall(r"<text[^>]*>(.*?)</text>", unescape(states.draw()))
    assert {state.name for state in ConnectionState} <= {*shown}
    drawn = len(states.EDGES) + sum(len([*states.staying(it)]) for it in ConnectionState)
    assert drawn == len(SENT) + len(RECEIVED)
    assert all(shown.count(label) >= 1 for label in states.EDGES.values())
    lines = states.draw().count("marker-end")
    assert lines == len(states.EDGES) + len(states.BESIDE)


@pytest.mark.parametrize("section", bars.SECTIONS)
def test_each_bar_is_a_figure_of_the_page(section: str) -> None:
    """Of the loop by hand, of this library, and of others."""
    ratios = bars.ratios_of(section)
    assert ratios["by hand"] == 1.0
    assert len(ratios) >= 6
    assert f">{ratios['wsendpoints']:.2f}</text>" in bars.draw()
