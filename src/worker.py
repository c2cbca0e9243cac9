"""Background work: loops of one small protocol.

A job is one coroutine function that does its work once; tests call that, so no test sleeps.
"""
