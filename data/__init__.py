"""The data set builder: reads clean articles, writes spun/original pairs.

`build.py` is the entry point, `config.py` its settings, `rows.py` the format of a row, and `spinners/` the methods
that garble text.
"""
