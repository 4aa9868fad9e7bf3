"""Imports of people from CSV files: checked first, written wholly or not at all."""
