"""The database: declared tables, statements compiled once, the unit of work (the only commit), two backends."""
