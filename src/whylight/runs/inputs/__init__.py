"""Pictures as people keep them: files, folders, globs, lists, tables, tars and data sets, here or behind a URL."""
