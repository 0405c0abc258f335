"""What the kernel registers itself, through the same hooks as anybody."""
