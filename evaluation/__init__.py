"""Evaluation: runs systems on suites and reports every figure with its interval, as a table, JSON and an HTML page.

`suites` provides the texts, `systems` restores them, `run` stores and scores the outputs, `report` shows the
results. `calibrate` fits a checkpoint's confidences. `external` runs spinners that other people wrote.
"""
