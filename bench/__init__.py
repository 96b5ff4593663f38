"""Liminal measured: how good, how fast, and against whom.

Run as ``python -m bench NAME``; never a part of the library.
"""
