"""The manifests for Kubernetes on the pages: YAML, and what is in it belongs together."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import yaml

DOCS: Final = Path(__file__).parents[2] / "docs"

INGRESS: Final = "nginx.ingress.kubernetes.io/"


def manifest(page: str) -> Any:
    """Return the one manifest of a page."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    return yaml.safe_load(found)


def test_annotations_are_texts() -> None:
    """Kubernetes takes no numbers there."""
    annotations = manifest("proxies")["metadata"]["annotations"]
    assert {type(it) for pair in annotations.items() for it in pair} == {str}
    assert all(name.startswith(INGRESS) for name in annotations)


def test_ingress_does_as_the_block_for_nginx() -> None:
    """The names of annotations are those of nginx's directives, with dashes."""
    annotations = manifest("proxies")["metadata"]["annotations"]
    pages = "".join((DOCS / f"{it}.md").read_text("utf-8") for it in ("proxies", "security"))
    directives = dict(re.findall(r"^ +(proxy_\w+) ([^;]*);$", pages, re.M))
    named = {name.removeprefix(INGRESS).replace("-", "_"): it for name, it in annotations.items()}
    assert directives.keys() >= named.keys()
    assert named["proxy_next_upstream"] == directives["proxy_next_upstream"]
    # Seconds, without a unit.
    assert all(named[it].isdecimal() for it in ("proxy_read_timeout", "proxy_send_timeout"))


def test_pod_waits_for_its_drain() -> None:
    """For its time, and that of the handlers; the hook gives up before the pod does."""
    page = (DOCS / "deploys.md").read_text("utf-8")
    (over,), (grace,) = (
        set(re.findall(pattern, page))
        for pattern in (r"drain\(over=(\d+)\)", r"Limits\(grace=(\d+)\)")
    )
    spec = manifest("deploys")["spec"]
    (container,) = spec["containers"]
    shell, option, script = container["lifecycle"]["preStop"]["exec"]["command"]
    assert (shell, option) == ("sh", "-c")
    curl, *arguments = shlex.split(script)
    assert (curl, arguments[-1]) == ("curl", "http://127.0.0.1:8000/drain")
    patience = int(arguments[arguments.index("-m") + 1])
    assert int(over) + int(grace) < patience < spec["terminationGracePeriodSeconds"]
    assert "Authorization: Bearer $DRAIN_SECRET" in arguments
    assert '"/drain": Drain(os.environ.get("DRAIN_SECRET")' in page
