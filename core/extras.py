"""Tells which extra of unspin installs a missing package.

The extras are read from the metadata of the installed distribution, so pyproject.toml remains their only list.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Distributions that are named differently from their module (other than by "-" for "_").
_DISTRIBUTIONS = {
    "harper": "harper-py",
    "markdown_it": "markdown-it-py",
    "pynvml": "nvidia-ml-py",
    "sklearn": "scikit-learn",
    "upath": "universal-pathlib",
    "yaml": "pyyaml",
}
_EXTRA_OF_COMMAND = {"calibrate": "evaluate"}  # the commands whose extra does not have their own name


def explain_missing_package(error: ImportError, command: str) -> str | None:
    """One line that names the package whose import failed and the extra of unspin that installs it.

    `command` is a subcommand such as "train"; its own extra is preferred over others that hold the package. None if
    the package is not a dependency of unspin: then the error is a fault, not an incomplete installation.
    """
    package = distribution_of(error.name or "")
    try:
        extras = packages_of_extras()
    except PackageNotFoundError:
        return None
    if package not in set().union(*extras.values()):
        return None
    extra = choose_extra(package, command, extras)
    target = f"'unspin[{extra}]'" if extra else "unspin"
    return f"unspin {command} needs the package {package}: pip install {target}"


def distribution_of(module: str) -> str:
    """The canonical name of the distribution that holds a module of unspin's dependencies."""
    root = module.partition(".")[0]
    return canonicalize_name(_DISTRIBUTIONS.get(root, root))


def choose_extra(package: str, command: str, extras: dict[str, frozenset[str]]) -> str:
    """The extra that installs `package`, or "" if the base installation includes it.

    Prefers the command's own extra; otherwise takes the smallest.
    """
    own = _EXTRA_OF_COMMAND.get(command, command)
    if package in extras[""]:
        return ""
    if package in extras.get(own, ()):
        return own
    return min((extra for extra in extras if package in extras[extra]), key=lambda extra: (len(extras[extra]), extra))


def packages_of_extras() -> dict[str, frozenset[str]]:
    """The packages of each extra of the installed unspin; the key "" stands for the base installation."""
    requirements = [Requirement(line) for line in requires("unspin") or ()]
    names = ["", *(metadata("unspin").get_all("Provides-Extra") or ())]
    return {name: frozenset(resolve_extra(name, requirements)) for name in names}


def resolve_extra(extra: str, requirements: Iterable[Requirement]) -> set[str]:
    """The packages that an extra adds to the base; extras that it includes, such as ``unspin[build]``, are resolved."""
    requirements = list(requirements)
    packages: set[str] = set()
    for requirement in requirements:
        in_base = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if in_base != (extra == "") or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        name = canonicalize_name(requirement.name)
        if name == "unspin":
            packages.update(*(resolve_extra(included, requirements) for included in requirement.extras))
        else:
            packages.add(name)
    return packages
