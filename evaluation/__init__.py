"""Evaluation: systems over suites, every figure with its interval, as a table, a JSON file and a page.

`suites` makes the texts, `systems` restores them, `run` keeps their outputs and scores them, `report` shows the
results. `calibrate` fits a checkpoint's confidences. `external` runs spinners that other people wrote.
"""
