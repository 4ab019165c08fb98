"""Virtual time: a whole bench in one process, whose clock moves on only when nobody has anything left to do now."""
