"""Make the peers' environment: ``python -m unspin.data.peers.setup``, or ``make peers``.

Lays a virtual environment, the pinned requirements and NLTK's data below ``build/peers`` (about 2 GB); what is there already is kept.
NLTK's own downloads are not needed: WordNet 3.0 comes from Debian's packages, taken from ``/usr/share/wordnet`` or fetched with ``apt-get``
(no root needed), the list of stopwords from this project's own table of function words.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from unspin.data.peers.client import ENVIRONMENT, PeerError
from unspin.data.stats import function_words

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
WORDNET = Path("/usr/share/wordnet")
PACKAGES = ("wordnet-base", "wordnet-sense-index")  # data.*, index.* and *.exc; index.sense and cntlist
PARTS = ("noun", "verb", "adj", "adv")
NEEDED = [f"{kind}.{part}" for kind in ("data", "index") for part in PARTS] + [f"{part}.exc" for part in PARTS] + ["index.sense", "cntlist.rev"]
# Lexicographer files in the order of their numbers, by syntactic category (lexnames(5WN)); Debian leaves the file out, NLTK reads it.
NOUNS = """Tops act animal artifact attribute body cognition communication event feeling food group location motive object person phenomenon plant
possession process quantity relation shape state substance time""".split()
VERBS = "body change cognition communication competition consumption contact creation emotion motion perception possession social stative weather"
LEXNAMES = [
    ("adj.all", 3),
    ("adj.pert", 3),
    ("adv.all", 4),
    *((f"noun.{n}", 1) for n in NOUNS),
    *((f"verb.{v}", 2) for v in VERBS.split()),
    ("adj.ppl", 3),
]


def set_up(environment: Path = ENVIRONMENT, index: Sequence[str] = ()) -> None:
    """Make the environment or complete it. `index` is passed to pip for torch. Raises `PeerError` where a step fails."""
    lay_packages(environment, index)
    lay_wordnet(environment)
    lay_stopwords(environment)


def lay_packages(environment: Path, index: Sequence[str] = ()) -> None:
    """The virtual environment with the requirements, made anew only where these have changed."""
    mark = environment / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return
    if not (environment / "bin" / "python").exists():
        venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    torch = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("torch=="))
    _run([*pip, *index, torch])
    _run([*pip, "--requirement", str(REQUIREMENTS)])
    mark.write_text(wanted)


def lay_wordnet(environment: Path, installed: Path = WORDNET) -> None:
    """WordNet where NLTK looks for it, from the system's own copy or else from Debian's packages, fetched and unpacked below `environment`."""
    target = environment / "nltk_data" / "corpora" / "wordnet"
    if (target / "lexnames").exists():
        return
    source = installed if all((installed / name).exists() for name in NEEDED) else _fetched(environment / "debian")
    target.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        shutil.copyfile(source / name, target / name)
    (target / "lexnames").write_text("".join(f"{number:02}\t{name}\t{category}\n" for number, (name, category) in enumerate(LEXNAMES)))


def lay_stopwords(environment: Path) -> None:
    target = environment / "nltk_data" / "corpora" / "stopwords" / "english"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(sorted(function_words())) + "\n")


def _fetched(folder: Path) -> Path:
    """Debian's packages fetched and unpacked; the folder in them that holds WordNet."""
    advice = f"install WordNet as root: apt-get update && apt-get install {' '.join(PACKAGES)}"
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise PeerError(f"WordNet is not at {WORDNET}, and there is no apt-get to fetch it: copy the files of WordNet 3.0 there")
    folder.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "download", *PACKAGES], folder, advice)
    for package in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", package.name, "."], folder, advice)
    return folder / "usr" / "share" / "wordnet"


def _run(command: Sequence[str], folder: Path = Path(), advice: str = "mend what it says and run make peers again") -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise PeerError(f"{' '.join(command)} failed ({advice}):\n{done.stdout.strip()[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.data.peers.setup", description="Make the peers' environment.")
    parser.add_argument("--index-url", help="pip's index for CPU builds of torch")
    asked = parser.parse_args()
    try:
        set_up(index=["--index-url", asked.index_url] if asked.index_url else [])
    except PeerError as error:
        sys.exit(str(error))
    print(f"peers: ready in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
