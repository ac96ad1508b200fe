"""What ``deploy/aws/up`` and ``deploy/aws/down`` do: stacks, then the cluster in them."""
