"""Control-pilot and IO boards."""
