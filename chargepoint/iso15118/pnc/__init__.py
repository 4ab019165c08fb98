"""Plug and Charge: the car's contract certificate, and what the car signed with it. Cores: no clock, no socket, no file.

In comes an element of a message with its signature, or a chain of certificates with the roots and a time. Out goes what is
wrong with it, as a member of a closed enumeration, and the response code that ISO 15118-20 has for that.
"""
