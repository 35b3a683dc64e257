"""Folders in; scores, tables, plots and a page out: what `rephase evaluate` and `rephase compare` do."""
