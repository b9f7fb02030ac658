"""Checks lexicon tables.

``python -m unspin.english FILE…`` prints the number of entries of each table, or names the first malformed row.
"""

import sys
from pathlib import Path

from unspin.english.lexicons import LexiconError, read_lexicon

if len(sys.argv) < 2:
    sys.exit("usage: python -m unspin.english FILE…")
try:
    for name in sys.argv[1:]:
        print(f"{name}: {len(read_lexicon(Path(name)))} entries")
except (LexiconError, OSError) as error:
    sys.exit(str(error))
