"""`python -m hil.demo`: Ctrl-C while it is still loading ends it without a word."""

import signal


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the demo has a handler of its own, there is nothing to end
    from hil.demo.command import main

    main()


_start()
