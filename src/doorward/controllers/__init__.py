"""Controllers: the processes at the doors, as the server knows them."""
