"""Readers of data sets on their true layouts; each gives :class:`~whylight.evaluation.data.data_set.Sample`."""
