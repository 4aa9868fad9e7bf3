"""The command line: `doorward …`."""
