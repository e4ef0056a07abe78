"""What of a path is left for an application, by what each host does to a scope."""

from typing import Any

import pytest

from wsendpoints.routing.mounted import split_path


@pytest.mark.parametrize(
    ("scope", "split"),
    [
        pytest.param({"path": "/chat"}, ("", "/chat"), id="server alone"),
        pytest.param({"path": ""}, ("", "/"), id="no path at all"),
        pytest.param({"path": "chat"}, ("", "chat"), id="no slash"),
        pytest.param({"path": "/chat/"}, ("", "/chat/"), id="trailing slash"),
        pytest.param({"path": "/a/b", "root_path": "/a"}, ("/a", "/b"), id="mounted"),
        pytest.param({"path": "/a/b", "root_path": "/a/"}, ("/a", "/b"), id="slash of the root"),
        pytest.param({"path": "/a/", "root_path": "/a"}, ("/a", "/"), id="its root"),
        pytest.param({"path": "/a", "root_path": "/a"}, ("/a", "/"), id="the mount itself"),
        pytest.param({"path": "/ab", "root_path": "/a"}, ("/a", "/ab"), id="another path"),
        pytest.param({"path": "/b", "root_path": "/a"}, ("/a", "/b"), id="removed"),
        pytest.param({"path": "/b", "root_path": None}, ("", "/b"), id="None"),
        pytest.param(
            {"path": "/a/b", "root_path": "/proxy/a", "app_root_path": "/proxy"},
            ("/proxy/a", "/b"),
            id="removed by a proxy, then mounted",
        ),
        pytest.param(
            {"path": "/proxy/a/b", "root_path": "/proxy/a", "app_root_path": "/proxy/"},
            ("/proxy/a", "/b"),
            id="not removed by a proxy, then mounted",
        ),
        pytest.param(
            {"path": "/a/b", "root_path": "/a", "app_root_path": ""}, ("/a", "/b"), id="Starlette"
        ),
        pytest.param(
            {"path": "/b/", "root_path": "", "raw_path": b"/a/b"}, ("", "/b"), id="Litestar"
        ),
        pytest.param(
            {"path": "/b/", "root_path": "", "raw_path": b"/a/b/"}, ("", "/b/"), id="its own slash"
        ),
        pytest.param({"path": "/", "raw_path": b"/a"}, ("", "/"), id="Litestar's root"),
        pytest.param(
            {"path": "/b/", "raw_path": b"/a/b%2F"}, ("", "/b/"), id="an encoded slash is one"
        ),
        pytest.param({"path": "/b/", "raw_path": b"/a/b?c=/"}, ("", "/b"), id="with its query"),
        pytest.param({"path": "/b/", "raw_path": None}, ("", "/b/"), id="no raw path"),
        pytest.param({"path": "/a/b", "path_remaining": "b"}, ("/a", "/b"), id="Channels"),
        pytest.param({"path": "/a/", "path_remaining": ""}, ("/a", "/"), id="Channels' root"),
        pytest.param(
            {"path": "/p/a/b/", "root_path": "/p", "path_remaining": "b/"},
            ("/p/a", "/b/"),
            id="Channels below a root",
        ),
    ],
)
def test_path_is_split_where_the_application_is_mounted(
    scope: dict[str, Any], split: tuple[str, str]
) -> None:
    """Whether the path has the root or not, and whatever is added to it."""
    assert split_path(scope) == split
