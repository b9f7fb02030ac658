"""The package's front door: public names, the version, and an import without torch."""

import subprocess
import sys
from importlib.metadata import version

import pytest
import unspin


def test_public_names_can_be_imported() -> None:
    from unspin import Restoration, Restorer

    assert Restorer.__module__ == "unspin.infer.restorer"
    assert Restoration.__module__ == "unspin.infer.restoration"
    assert set(unspin.__all__) <= set(dir(unspin))
    assert unspin.__version__ == version("unspin")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Restore'"):
        unspin.Restore  # noqa: B018


def test_importing_the_package_loads_no_heavy_library() -> None:
    script = (
        "import sys, unspin; print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout == "[]\n"
