"""The fidelity check: rejects edits that would change a fact, whatever their confidence.

`judge` decides about the edits of a sentence by the table in `kinds`. Each kind of fact has a module of its own, which
finds its facts by rules and word lists. `context` is what the rest of the article says. A sentence takes a few
milliseconds.
"""
