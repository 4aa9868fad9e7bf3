"""The console: pages for those who run doors."""
