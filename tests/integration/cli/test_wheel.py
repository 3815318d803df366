"""What is installed works without the repository beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "syncgate", "schemas")


def _run(command: list[str], cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The command of a fresh environment with the built wheel, and the dependencies of this one."""
    source = tmp_path / "source"
    source.mkdir()
    for name in BUILT_FROM:
        origin = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(origin, source / name, ignore=ignored) if origin.is_dir() else shutil.copy(origin, source)
    build = ["wheel", str(source), "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path / "wheels")]
    _run([sys.executable, "-m", "pip", "--disable-pip-version-check", *build], tmp_path)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    _run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], tmp_path)
    (packages,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    fresh = tmp_path / "venv/bin/python"
    install = ["--python", str(fresh), "install", "--no-deps", "--no-index", str(wheel)]
    _run([sys.executable, "-m", "pip", "--disable-pip-version-check", *install], tmp_path)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return fresh


@pytest.mark.slow
def test_an_installed_wheel_writes_a_site_that_works(installed: Path, tmp_path: Path) -> None:
    syncgate = [str(installed), "-m", "syncgate"]
    origin = _run([str(installed), "-c", "import syncgate; print(syncgate.__file__)"], tmp_path)
    assert origin.startswith(str(tmp_path / "venv")), "the wheel's own package, not the repository's"
    _run([*syncgate, "init", "my-city"], tmp_path)
    schema = (tmp_path / "my-city/schemas/case.schema.json").read_bytes()
    assert schema == (ROOT / "schemas/case.schema.json").read_bytes()
    _run([*syncgate, "--site", "my-city", "check"], tmp_path)
    _run([*syncgate, "--site", "my-city", "mapping", "test"], tmp_path)
    assert "HL-0001" in _run([*syncgate, "--site", "my-city", "map", "my-city/examples/case.json"], tmp_path)
    _run([*syncgate, "--site", "my-city", "db", "migrate"], tmp_path)
