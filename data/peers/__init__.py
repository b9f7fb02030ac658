"""Spinners that others wrote, each run in an environment of its own (``make peers``): `Peer` is the one way to them."""

from unspin.data.peers.client import PEERS, Peer, PeerError

__all__ = ["PEERS", "Peer", "PeerError"]
