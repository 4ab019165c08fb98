"""`python -m hil.steering`: as `./run hil serve`."""

from hil.steering.serve import main

main()
