"""English: the spinners' lexicons, inflection, and word classes."""
