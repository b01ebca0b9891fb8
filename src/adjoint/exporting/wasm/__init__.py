"""WebAssembly: modules that import nothing, made here without any tool of the system."""
