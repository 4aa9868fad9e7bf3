"""The installation itself: what is known of it apart from any account."""
