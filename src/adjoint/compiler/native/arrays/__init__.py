"""The regime of larger graphs: loops over whole arrays, and products of matrices."""
