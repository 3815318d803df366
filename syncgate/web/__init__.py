"""The REST surface: parses, calls one flow, answers. It decides nothing."""

from syncgate.web.app import create_app
from syncgate.web.settings import WebSettings

__all__ = ["WebSettings", "create_app"]
