"""Tables as people have them: read from text or Parquet, and their columns given types.

Attributes and rows both stand on it.
"""
