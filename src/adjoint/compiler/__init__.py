"""The compiler turns a traced function into fast code: simplify, then write source or go native."""
