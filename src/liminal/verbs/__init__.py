"""What can be done with a space, a file for each sort of verb; `space.Space` has them as its methods."""
