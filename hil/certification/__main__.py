"""`python -m hil.certification`: the command line."""

from hil.certification.command import main

main()
