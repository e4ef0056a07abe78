"""The console: a page on which people try endpoints. It is made of the files in `page/`."""

from wsendpoints.console.documents import Documents

__all__ = ["Documents"]
