"""The wheel: owns the one namespace and carries all that restoring needs."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_unspin_alone_with_its_assets(tmp_path: Path) -> None:
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # setuptools packs what an earlier build left there
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("unspin-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"unspin"}
    for asset in ("infer/adapter/adapter_model.safetensors", "infer/adapter/unspin.json", "infer/report.html", "data/lexicons/function.tsv",
                  "data/lexicons/wordnet.tsv.gz", "infer/adapter/vocabulary.safetensors"):  # fmt: skip
        assert f"unspin/{asset}" in names
