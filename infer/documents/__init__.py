"""Document formats: how `unspin restore`, the page and the Python interface read articles and write them back.

`base` defines a format, a document and its views, `formats` lists the formats, and each format has a module of its own.
`text_files` decodes text, `archives` and `xml_text` read zipped XML. `parquet` restores one column of a table, which no
view can show.
"""
