"""The demo: daemon and power process on a virtual plant, with a car and a central system, steered from outside."""
