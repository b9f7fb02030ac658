"""Spinners that others wrote ("peers"), run in a Python environment of their own; `make peers` creates it.

`Peer` is the only way to use one: it keeps the peers' dependencies and licences out of this package.
"""

from unspin.evaluation.external.client import PEERS, Peer, PeerError

__all__ = ["PEERS", "Peer", "PeerError"]
