"""People's photos: decoded, made small, kept, shown."""
