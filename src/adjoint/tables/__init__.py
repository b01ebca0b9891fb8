"""Tables in files: networks trained on them, kept in folders, and asked for predictions."""
