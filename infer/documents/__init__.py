"""Document formats: how `unspin restore`, the page and the Python interface read articles and write them back.

`base` defines a format and its view of a document, `formats` lists the formats, and each format has a module of its
own. `document` decodes and writes text files. `parquet` restores one column of a table, which no view can show.
"""
