"""The dataset builder: clean articles in, spun/original pairs out. Imports neither `train` nor `infer`."""
