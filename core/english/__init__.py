"""English: the lexicons that spinners read, inflection, and words by class."""
