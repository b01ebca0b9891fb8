"""The native tier: graph → nest → text in LLVM's language → code, without a compiler installed."""
