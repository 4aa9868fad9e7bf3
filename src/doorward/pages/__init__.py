"""What web pages share: templates, their look, their security headers."""
