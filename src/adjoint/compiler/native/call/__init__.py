"""A call of a compiled function in native code: what is checked, made and handed back."""
