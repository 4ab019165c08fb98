"""Everything that can be made to go wrong on a bench: the catalogue with its ids, and how each is caused and taken back."""
