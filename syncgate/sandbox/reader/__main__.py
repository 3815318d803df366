"""Runs the reader by path: as a package of its own, found beside its folder and after the standard library."""

import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
sys.exit(importlib.import_module("reader").main(sys.argv[1:]))
