"""The gate that ends double entry: a case is typed once, every system that needs it holds it."""
