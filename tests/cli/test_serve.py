"""`unspin serve`: what it refuses before it loads the model."""

import socket
from collections.abc import Callable
from pathlib import Path


def test_a_port_in_use_is_reported(tiny_adapter: Path, refused: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        message = refused("serve", "--port", port, "--checkpoint", tiny_adapter)
    assert f"cannot listen on 127.0.0.1:{port}" in message and "choose another --port" in message


def test_an_unknown_engine_is_reported(refused: Callable[..., str]) -> None:
    assert "--engine steam: choose one of draft, ctranslate2, transformers" in refused(
        "serve", "--engine", "steam", code=2
    )


def test_a_wrong_list_is_reported_before_a_model_is_loaded(refused: Callable[..., str]) -> None:
    assert "none.tsv: cannot be read" in refused("serve", "--checkpoint", "none", "--phrases", "none.tsv")
    assert "none.txt: cannot be read" in refused("serve", "--checkpoint", "none", "--protect", "none.txt")
