"""The server of a peer: standard library only, one reply per request."""

from __future__ import annotations

import ast
import io
import json
import sys

from unspin.evaluation.external import PEERS, client, serve


def test_the_server_knows_every_peer_and_imports_only_the_standard_library() -> None:
    assert tuple(serve.LOADERS) == PEERS
    nodes = list(ast.walk(ast.parse(client.SERVER.read_text())))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


def test_the_server_answers_line_by_line_and_survives_a_failure() -> None:
    output = io.StringIO()
    serve.serve(
        lambda sentence: str(1 / len(sentence)), [json.dumps({"sentences": it}) for it in (["ab"], [""], [])], output
    )
    answers = [json.loads(line) for line in output.getvalue().splitlines()]
    assert answers == [
        {"sentences": ["0.5"]},
        {"error": "failed: ZeroDivisionError: division by zero"},
        {"sentences": []},
    ]
