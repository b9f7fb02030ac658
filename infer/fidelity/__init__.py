"""The fidelity check: rejects edits that would change a fact, whatever their confidence.

`judge` decides about the edits of a sentence. The other modules each find one kind of fact: names, numbers, dates,
polarity, quotation marks, and opposites. All of it is rules and word lists; a sentence takes a few milliseconds.
"""
