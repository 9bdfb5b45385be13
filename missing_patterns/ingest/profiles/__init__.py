"""What a source looks like: its headers, what its codes mean, and which tables its rows become."""
