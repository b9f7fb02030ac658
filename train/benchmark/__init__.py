"""The benchmark: systems over suites, every figure with its interval, a table, a JSON and a page.

`suites` makes the texts, `systems` restores them, `run` keeps outputs by (system, suite, revision) and scores them, `report` shows it.
"""
