"""The operators' web pages: one folder per subject, each with views.py, perhaps forms.py, and templates/."""
