"""Looking inside: the status socket and what it shows."""
