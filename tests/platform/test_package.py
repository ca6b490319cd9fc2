"""The wheel, which the image installs, holds everything that the processes need."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists() or folder.name == "migrations"]


def test_the_wheel_holds_every_file_of_the_project(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = [*ROOT.glob("*.py"), *(file for folder in CODE for file in folder.rglob("*") if file.is_file())]
    assert packed == {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}
