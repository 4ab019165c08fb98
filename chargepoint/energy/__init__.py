"""How much, and why: the arbiter of all contributions."""
