"""The command line: parse, call, print. Exit code 0 only when it did what was asked."""

from syncgate.cli.app import main

__all__ = ["main"]
