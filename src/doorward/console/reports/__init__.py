"""Reports: what the record says in sum, to look at, to print, and as a sheet."""
